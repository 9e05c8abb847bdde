"""What a person must know about a run beyond its table, so that nothing fails silently."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from distbench.community import PeerId
from distbench.report.cells import render_cell
from distbench.running.result import End, Failure, Misfit, NodeResult, Outcome, RunResult, Suspended
from distbench.words import plural

MOST_NODES = 100
MOST_FAILURES = 10
MOST_SUSPENDED = 30
_FEW_NODES = 5
_LONGEST_MESSAGE = 300
_WHAT_TO_DO = (
    "    correct what is sent, or the handler that takes it; a node that differs on purpose says so in the config,\n"
    "    with an 'algorithm:' of its own; --allow-drops (allow_drops=True) lets all such drops pass"
)


@dataclass(frozen=True, slots=True)
class Note:
    """Lines that belong together; the first may have a colour."""

    text: str
    colour: str = ""


def notes(result: RunResult, *, tracebacks: bool = True, sleepers: bool = False) -> list[Note]:
    """Failures, the check, drops that fail, nodes that never terminated, what still waits, other drops, and so on.

    Without ``tracebacks`` a failure is one line: for a reader who has seen them in the logs. What waits in a sleep
    when a run has completed is no news; it is told with ``sleepers`` only.
    """
    return [
        *_failures(result.failures, tracebacks=tracebacks),
        *([] if result.check_error is None else [Note(f"the check failed: {result.check_error}", "red")]),
        *_failing_drops(result),
        *_ended_without_a_failure(result),
        *_never_terminated(result),
        *_suspended([one for one in result.suspended if sleepers or not _only_sleeps(one, result)]),
        *_dropped(result),
        *_refused(result),
        *_in_transit(result.in_transit),
        *_link_room(result),
        *(Note(remark, "yellow") for remark in result.remarks),
        *([Note(f"{result.ended}: {result.reason}", "yellow")] if result.reason else []),
        *_audited(result),
    ]


def _audited(result: RunResult) -> Iterable[Note]:
    if result.audit is None:
        return ()
    from distbench.report.audit import audit_notes  # which makes notes itself

    return audit_notes(replace(result.audit, problem=""))


def join_names(names: Sequence[str], most: int = MOST_NODES) -> str:
    """``n1, n2, n3``, or the first ``most`` of them and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def _failures(failures: Sequence[Failure], *, tracebacks: bool) -> Iterator[Note]:
    """Each failure with its traceback, if wanted; the same one at other nodes is only named."""
    alike: dict[tuple[str, ...], list[Failure]] = {}
    for failure in failures:
        alike.setdefault((failure.handler, failure.message, failure.exception, failure.traceback), []).append(failure)
    groups = list(alike.values())
    for first, *others in groups[:MOST_FAILURES]:
        message = render_cell(first.message, _LONGEST_MESSAGE)
        if tracebacks:
            lines = [f"{first.node} failed in {first.handler} at {first.at:.6f} s: {first.exception}"]
            lines += [f"    message: {message}"] if message else []
            lines.append(textwrap.indent(first.traceback.rstrip(), "    "))
        else:
            given = f" on {message}" if message else ""
            lines = [f"{first.node} failed in {first.handler}{given} at {first.at:.6f} s: {first.exception}"]
        if others:
            lines.append(f"    the same at {join_names([f'{other.node} ({other.at:.6f} s)' for other in others], 20)}")
        yield Note("\n".join(filter(None, lines)), "red")
    rest = Counter(f"{failure.handler} at {failure.node}" for group in groups[MOST_FAILURES:] for failure in group)
    if rest:
        counted = [f"{what} ({count:,})" if count > 1 else what for what, count in rest.items()]
        yield Note(f"and {plural(rest.total(), 'more failure')}: {join_names(counted, 50)}", "red")


def _ended_without_a_failure(result: RunResult) -> Iterator[Note]:
    """Nodes whose end is a bad one though no exception says why."""
    explained = {failure.node for failure in result.failures}
    for end in (End.FAILED, End.CRASHED):
        nodes = [node for node, one in result.nodes.items() if one.end is end and node not in explained]
        if nodes:
            yield Note(f"{end.value}: {join_names(nodes)}", "red")


def _never_terminated(result: RunResult) -> Iterator[Note]:
    nodes = result.never_terminated
    if not nodes:
        return
    others_did = any(node.end is End.TERMINATED for node in result.nodes.values())
    if result.ended is Outcome.COMPLETED and not others_did:  # an endless algorithm under --duration
        return
    names = "all nodes" if len(nodes) == len(result.nodes) > _FEW_NODES else join_names(nodes)
    yield Note(f"never terminated: {names}", "yellow")


def _only_sleeps(one: Suspended, result: RunResult) -> bool:
    """It did not hold the run up: a task of the algorithm's own, or a handler where nothing went wrong either."""
    return one.sleeping and result.ended is Outcome.COMPLETED and (one.background or result.ok)


def _suspended(suspended: Sequence[Suspended]) -> Iterator[Note]:
    """What still waits, once for all nodes at which it is the same; handlers and hooks before background tasks."""
    alike: dict[tuple[bool, str, str, str], list[PeerId]] = {}
    for one in sorted(suspended, key=lambda one: one.background):
        alike.setdefault((one.background, one.name, one.where, one.waits_for), []).append(one.node)
    for (background, name, where, waits_for), nodes in list(alike.items())[:MOST_SUSPENDED]:
        task = "background task " if background else ""
        times = Counter(nodes)
        names = join_names([f"{node} (x{count:,})" if count > 1 else node for node, count in times.items()], 20)
        place = f" at {where}" if where else ""
        event = f" for {waits_for}" if waits_for else ""
        yield Note(f"{names}: {task}{name} waits{place}{event}", "" if background else "yellow")
    if len(alike) > MOST_SUSPENDED:
        yield Note(f"and {sum(map(len, list(alike.values())[MOST_SUSPENDED:])):,} more still wait")


def _failing_drops(result: RunResult) -> Iterator[Note]:
    """Which node dropped what from whom and why, how many, and what to do; once for each handler and reason."""
    alike: dict[tuple[str, str, str], list[tuple[PeerId, Misfit]]] = {}
    for node, one in result.failing_drops():
        alike.setdefault((one.kind, one.handler, one.reason), []).append((node, one))
    for number, ((kind, handler, reason), drops) in enumerate(alike.items(), 1):
        total = sum(one.count for _, one in drops)
        what = f"{plural(total, 'message')} in reply to" if kind == "reply" else f"{plural(total, kind)} to"
        why = f": {drops[0][1].why}" if drops[0][1].why else ""
        places = join_names([f"{node} from {one.src}: {one.count:,}" for node, one in drops], _FEW_NODES)
        last = f"\n{_WHAT_TO_DO}" if number == len(alike) else ""
        yield Note(f"dropped {what} {handler}: {reason}{why} (at {places}){last}", "red")


def _dropped(result: RunResult) -> Iterator[Note]:
    for reason, counts in _by_reason((node, _let_pass(one)) for node, one in result.nodes.items()):
        yield Note(f"dropped {plural(sum(counts.values()), 'message')}: {reason} ({_at(counts)})", "yellow")


def _let_pass(node: NodeResult) -> Mapping[str, int]:
    """What a node dropped without a failure, by reason."""
    counts = Counter(node.dropped)
    for one in node.misfits:
        counts[one.reason] -= one.count if one.fails else 0
    return counts


def _refused(result: RunResult) -> Iterator[Note]:
    for reason, counts in _by_reason((node, one.refused) for node, one in result.nodes.items()):
        yield Note(f"refused {plural(sum(counts.values()), 'connection')}: {reason} ({_at(counts)})", "yellow")


def _by_reason(nodes: Iterable[tuple[PeerId, Mapping[str, int]]]) -> Iterable[tuple[str, Mapping[PeerId, int]]]:
    """What was counted at every node, by what it was counted for."""
    found: dict[str, dict[PeerId, int]] = {}
    for node, counts in nodes:
        for reason, count in counts.items():
            if count > 0:
                found.setdefault(reason, {})[node] = count
    return found.items()


def _at(counts: Mapping[PeerId, int]) -> str:
    most: Iterable[tuple[PeerId, int]] = sorted(counts.items(), key=lambda item: -item[1])
    return "at " + join_names([f"{node}: {count:,}" for node, count in most], _FEW_NODES)


def _in_transit(count: int) -> Iterator[Note]:
    if count:
        yield Note(f"{plural(count, 'message')} in transit when the run ended, counted and not delivered")


def _link_room(result: RunResult) -> Iterator[Note]:
    """Told where something went wrong: it may be why, and whoever reads the code does not see it."""
    if result.link_room is not None and not result.ok:
        room = plural(result.link_room, "message")
        yield Note(
            f"each link had room for {room} (--link-room): casts and requests wait while so many are on their way"
        )
