"""What ``--json`` prints: one document, for programs. ``render_schema`` is its published description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from distbench.report.files import to_json
from distbench.running.audit.verdict import Audit
from distbench.running.result import NodeResult, RunResult
from distbench.running.seeds import SeedRun, SeedsResult

Seconds = Annotated[float, Meta(description="seconds")]
Virtual = Annotated[float, Meta(description="seconds of virtual time offline, of wall time in the other modes")]
Count = Annotated[int, Meta(ge=0)]
Status = Annotated[int, Meta(description="that of the outcome: 0 fine, 1 failed or stuck, 3 timeout, 130 interrupted")]
Ok = Annotated[bool, Meta(description="whether the exit status is 0")]
Command = Annotated[str, Meta(description="a shell command that does it again")]


class TrafficDocument(Struct, forbid_unknown_fields=True):
    """Messages and payload bytes of one handler at one node; requests and casts, replies apart."""

    messages_in: Count
    bytes_in: Count
    messages_out: Count
    bytes_out: Count


class MisfitDocument(Struct, forbid_unknown_fields=True):
    """Messages that a node dropped because they did not fit it."""

    src: Annotated[str, Meta(description="who sent them")]
    kind: Annotated[str, Meta(description="message, request or reply")]
    handler: Annotated[str, Meta(description="what they were for; a child's is child.handler")]
    reason: Annotated[str, Meta(description="under which they are counted in dropped")]
    why: Annotated[str, Meta(description="what did not fit of the first")]
    count: Count
    fails: Annotated[bool, Meta(description="whether they fail the run")]


class NodeDocument(Struct, forbid_unknown_fields=True):
    """One node."""

    end: Annotated[str, Meta(description="terminated, never terminated, failed or crashed")]
    algorithm: Annotated[str, Meta(description="name of its class")]
    elapsed_time: Virtual
    messages_in: Count
    messages_out: Count
    bytes_in: Count
    bytes_out: Count
    traffic: Annotated[dict[str, TrafficDocument], Meta(description="by handler; a child's is child.handler")]
    dropped: Annotated[dict[str, Count], Meta(description="messages dropped at this node, by reason")]
    refused: Annotated[dict[str, Count], Meta(description="connections refused at this node, by cause")]
    misfits: Annotated[list[MisfitDocument], Meta(description="those of the dropped that did not fit")]
    report: Annotated[dict[str, Any], Meta(description="what the algorithm reports; a child's is nested")]


class FailureDocument(Struct, forbid_unknown_fields=True):
    """An exception in a handler or hook."""

    node: str
    handler: str
    message: str
    at: Virtual
    exception: str
    traceback: str


class SuspendedDocument(Struct, forbid_unknown_fields=True):
    """What still waited at the end."""

    node: str
    name: Annotated[str, Meta(description="handler, hook or task")]
    where: Annotated[str, Meta(description="file:line")]
    waits_for: str
    background: Annotated[bool, Meta(description="a task of the algorithm's own, which makes no run stuck")]
    sleeping: Annotated[bool, Meta(description="in asyncio.sleep")]


class RunDocument(Struct, forbid_unknown_fields=True, tag_field="kind", tag="run"):
    """One run."""

    distbench: Annotated[str, Meta(description="version that wrote this")]
    config: Annotated[str, Meta(description="as given to -c")]
    algorithm: Annotated[str, Meta(description="as given to -a")]
    mode: str
    seed: int
    hash_seed: Annotated[str, Meta(description="PYTHONHASHSEED of the run")]
    time_zone: Annotated[str, Meta(description="local time of the process: UTC, or TZ, or the names of its time")]
    command: Command
    outcome: Annotated[
        str,
        Meta(description="the first that applies: interrupted, timeout, failed, stuck, completed, quiescent"),
    ]
    ended: Annotated[str, Meta(description="how it came to its end, whatever its nodes did; one of the same words")]
    reason: Annotated[str, Meta(description="what ended it")]
    exit_status: Status
    ok: Ok
    virtual_time: Virtual
    wall_time: Seconds
    deliveries: Annotated[int, Meta(ge=0, description="messages given to nodes, replies included")]
    in_transit: Annotated[int, Meta(ge=0, description="messages on their way at the end, not delivered")]
    link_room: Annotated[
        int | None,
        Meta(description="offline: messages on their way over one link before others wait; null: any number"),
    ]
    digest: Annotated[str | None, Meta(description="with --digest")]
    check_error: Annotated[str | None, Meta(description="what the module's check found wrong")]
    nodes: Annotated[dict[str, NodeDocument], Meta(description="by node id, in the order of the config")]
    failures: list[FailureDocument]
    suspended: list[SuspendedDocument]


class SeedDocument(Struct, forbid_unknown_fields=True):
    """One of many runs."""

    seed: int
    outcome: str
    ended: Annotated[str | None, Meta(description="null where the process died over it")]
    exit_status: Status
    ok: Ok
    virtual_time: Virtual
    wall_time: Seconds
    deliveries: Count
    messages: Annotated[int, Meta(ge=0, description="casts and requests given to nodes, replies apart")]
    digest: str | None
    problem: Annotated[str, Meta(description="why it failed, empty where it did not")]


class DifferenceDocument(Struct, forbid_unknown_fields=True):
    """The first event that differed between two processes."""

    number: Annotated[int, Meta(ge=1, description="of the event, from 1")]
    at: Annotated[float | None, Meta(description="seconds of virtual time")]
    node: Annotated[str, Meta(description="that did it; empty where it was none")]
    handler: Annotated[str, Meta(description="of the message; empty where it was none")]
    happened: Annotated[list[str], Meta(description="in words, in each of the two processes")]
    message: Annotated[list[str], Meta(description="what the two messages, or reported values, say")]
    part: Annotated[str, Meta(description="which part of them differs")]
    during: Annotated[str, Meta(description="what woke the node last")]
    reads: Annotated[list[str], Meta(description="what it read before, the latest first")]
    hints: Annotated[list[str], Meta(description="what the values look like")]
    causes: Annotated[list[str], Meta(description="on what of the two processes it depends")]
    always: Annotated[bool, Meta(description="it differs in any two processes")]
    searched: Annotated[bool, Meta(description="the causes were looked for to the end")]


class NoticedDocument(Struct, forbid_unknown_fields=True):
    """Something real that was read, though it reached no event."""

    what: str
    where: Annotated[str, Meta(description="file:line")]
    nodes: list[str]


class AuditedDocument(Struct, forbid_unknown_fields=True):
    """One seed, played in two processes."""

    seed: int
    repeatable: bool
    exit_status: Annotated[int, Meta(description="0 repeatable, 1 not repeatable, 3 where it cannot be told")]
    ok: Ok
    events: Annotated[int, Meta(ge=0, description="that were the same")]
    digest: Annotated[str | None, Meta(description="where it is repeatable")]
    problem: Annotated[str, Meta(description="why the run failed, both times; empty where it did not")]
    untold: Annotated[str, Meta(description="why it cannot be told; empty where it can")]
    difference: DifferenceDocument | None
    noticed: list[NoticedDocument]


class SeedsDocument(Struct, forbid_unknown_fields=True, tag_field="kind", tag="seeds"):
    """The runs of ``--seeds``."""

    distbench: Annotated[str, Meta(description="version that wrote this")]
    config: Annotated[str, Meta(description="as given to -c")]
    algorithm: Annotated[str, Meta(description="as given to -a")]
    mode: str
    exit_status: Status
    ok: Ok
    asked: Annotated[int, Meta(ge=1, description="seeds asked for; fewer ran where a failure or Ctrl-C ended them")]
    interrupted: bool
    under_way: Annotated[list[int], Meta(description="seeds that were running when Ctrl-C came")]
    wall_time: Seconds
    processes: Count
    outcomes: Annotated[dict[str, Count], Meta(description="runs by outcome")]
    runs: Annotated[list[SeedDocument], Meta(description="in the order of the seeds")]
    command: Annotated[str | None, Meta(description="a shell command that runs the first failing seed again")]
    replays: Annotated[
        bool | None, Meta(description="whether that seed, run again alone, failed again; null: not tried")
    ]
    failure: Annotated[RunDocument | None, Meta(description="the run of the first failing seed")]
    audits: Annotated[list[AuditedDocument], Meta(description="with --audit, those of some of the seeds")]


class AuditDocument(Struct, forbid_unknown_fields=True, tag_field="kind", tag="audit"):
    """The audit of one seed."""

    distbench: Annotated[str, Meta(description="version that wrote this")]
    config: Annotated[str, Meta(description="as given to -c")]
    algorithm: Annotated[str, Meta(description="as given to -a")]
    mode: str
    command: Command
    audit: AuditedDocument


Document = RunDocument | SeedsDocument | AuditDocument


def run_document(result: RunResult, *, config: str, algorithm: str, command: str) -> RunDocument:
    """The document of one run; ``command`` does it again."""
    return RunDocument(
        distbench=_version(),
        config=config,
        algorithm=algorithm,
        mode=result.mode,
        seed=result.seed,
        hash_seed=result.hash_seed,
        time_zone=result.time_zone,
        command=command,
        outcome=result.outcome.value,
        ended=result.ended.value,
        reason=result.reason,
        exit_status=result.exit_status,
        ok=result.ok,
        virtual_time=result.virtual_time,
        wall_time=result.wall_time,
        deliveries=result.deliveries,
        in_transit=result.in_transit,
        link_room=result.link_room,
        digest=result.digest,
        check_error=result.check_error,
        nodes={node: _node(one, result.reports.get(node, {})) for node, one in result.nodes.items()},
        failures=[
            FailureDocument(one.node, one.handler, one.message, one.at, one.exception, one.traceback)
            for one in result.failures
        ],
        suspended=[
            SuspendedDocument(one.node, one.name, one.where, one.waits_for, one.background, one.sleeping)
            for one in result.suspended
        ],
    )


def seeds_document(result: SeedsResult, *, config: str, algorithm: str, command: str | None) -> SeedsDocument:
    """The document of many runs; ``command`` replays the first failing seed, if there is one."""
    failure = result.failure
    return SeedsDocument(
        distbench=_version(),
        config=config,
        algorithm=algorithm,
        mode="offline",
        exit_status=result.exit_status,
        ok=result.ok,
        asked=result.asked,
        interrupted=result.interrupted,
        under_way=list(result.under_way),
        wall_time=result.wall_time,
        processes=result.processes,
        outcomes=dict(result.outcomes),
        runs=[_seed(run) for run in sorted(result.runs, key=lambda run: run.seed)],
        command=command,
        replays=result.replays,
        failure=None
        if failure is None
        else run_document(failure, config=config, algorithm=algorithm, command=command or ""),
        audits=[_audited(audit) for audit in result.audits],
    )


def audit_document(audit: Audit, *, config: str, algorithm: str, command: str) -> AuditDocument:
    """The document of one audit; ``command`` does it again."""
    return AuditDocument(_version(), config, algorithm, "offline", command, _audited(audit))


def render_document(document: Document) -> str:
    """As JSON, indented."""
    return json.dumps(to_json(msgspec.to_builtins(document)), indent=2) + "\n"  # msgspec refuses very large integers


def render_schema() -> str:
    """The JSON schema of the documents; published as docs/result.schema.json."""
    schema = msgspec.json.schema(Document)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "distbench --json", **schema}
    return json.dumps(schema, indent=2) + "\n"


def _node(one: NodeResult, report: Mapping[str, object]) -> NodeDocument:
    return NodeDocument(
        end=one.end.value,
        algorithm=one.algorithm,
        elapsed_time=one.elapsed_time,
        messages_in=one.messages_in,
        messages_out=one.messages_out,
        bytes_in=one.bytes_in,
        bytes_out=one.bytes_out,
        traffic={
            name: TrafficDocument(traffic.messages_in, traffic.bytes_in, traffic.messages_out, traffic.bytes_out)
            for name, traffic in one.traffic.items()
        },
        dropped=dict(one.dropped),
        refused=dict(one.refused),
        misfits=[
            MisfitDocument(each.src, each.kind, each.handler, each.reason, each.why, each.count, each.fails)
            for each in one.misfits
        ],
        report={str(name): to_json(value) for name, value in report.items()},
    )


def _audited(audit: Audit) -> AuditedDocument:
    found = audit.difference
    return AuditedDocument(
        seed=audit.seed,
        repeatable=audit.repeatable,
        exit_status=audit.exit_status,
        ok=audit.ok,
        events=audit.events,
        digest=audit.digest,
        problem=audit.problem,
        untold=audit.untold,
        difference=None if found is None else msgspec.convert(asdict(found), DifferenceDocument),
        noticed=[NoticedDocument(one.what, one.where, list(one.nodes)) for one in audit.noticed],
    )


def _seed(run: SeedRun) -> SeedDocument:
    return SeedDocument(
        run.seed,
        run.outcome.value,
        None if run.ended is None else run.ended.value,
        run.exit_status,
        run.ok,
        run.virtual_time,
        run.wall_time,
        run.deliveries,
        run.messages,
        run.digest,
        run.problem,
    )


def _version() -> str:
    try:
        return version("distbench")
    except PackageNotFoundError:  # run from a copy of the sources
        return "unknown"
