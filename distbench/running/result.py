"""What a run leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from distbench.community import PeerId
from distbench.errors import RunFailed
from distbench.running.instances import NOT_HERE
from distbench.words import plural

if TYPE_CHECKING:
    from distbench.algorithm import Algorithm
    from distbench.running.audit.verdict import Audit


class Outcome(StrEnum):
    """What a run came to: the first of these that applies. ``exit_status`` is what a process ends with for it."""

    INTERRUPTED = "interrupted"
    """Ctrl-C, SIGTERM or SIGHUP; the reason says which."""
    TIMEOUT = "timeout"
    """The time limit, ``--max-events``, ``--step-timeout`` or the limit of steps at one instant was reached."""
    FAILED = "failed"
    """A node or the check failed, or a node dropped a message that did not fit though nobody misbehaved."""
    STUCK = "stuck"
    """Nothing was left to happen while a handler or hook of a correct node still waited."""
    COMPLETED = "completed"
    """Every correct node said ``terminate()``, or ``--duration`` was reached."""
    QUIESCENT = "quiescent"
    """Nothing was left to happen, though some node never said ``terminate()``."""

    @property
    def exit_status(self) -> int:
        """130 interrupted, 3 timeout, 1 failed or stuck, 0 completed or quiescent."""
        return _STATUS[self]


FIRST_FAILURE: Final = "the first failure ended the run (--fail-fast)"
"""The reason of a run that ``--fail-fast`` stopped."""
_STATUS: Final = {
    Outcome.INTERRUPTED: 130,
    Outcome.TIMEOUT: 3,
    Outcome.FAILED: 1,
    Outcome.STUCK: 1,
    Outcome.COMPLETED: 0,
    Outcome.QUIESCENT: 0,
}


class End(StrEnum):
    """How one node ended."""

    TERMINATED = "terminated"
    RUNNING = "never terminated"
    FAILED = "failed"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages and bytes of one handler at one node; requests and casts, replies apart."""

    messages_in: int = 0
    bytes_in: int = 0
    messages_out: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class Suspended:
    """A handler, hook or task that still waited at the end of the run."""

    node: PeerId
    name: str
    where: str
    """``file.py:41``: the line of the algorithm that waits."""
    waits_for: str
    background: bool = False
    """True for a task that the algorithm started itself: it does not make a run stuck."""
    sleeping: bool = False
    """It waits in ``asyncio.sleep``, so time alone would have woken it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception in a handler or hook, as it is shown to a person."""

    node: PeerId
    handler: str
    message: str
    at: float
    """Seconds since the run began, virtual offline."""
    exception: str
    traceback: str
    """Without the framework's own frames."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Messages of one kind that a node dropped because they did not fit it; no signature was wrong, nobody was gone."""

    src: PeerId
    """Who sent them."""
    kind: str
    """``message``, ``request`` or ``reply``."""
    handler: str
    """The handler that they were for, or whose reply they were; ``path.handler`` for a child's."""
    reason: str
    """The one under which they are counted in ``NodeResult.dropped``."""
    why: str
    """What did not fit of the first of them."""
    count: int
    fails: bool
    """They fail the run: nobody misbehaves on purpose there, and drops are not allowed."""


@dataclass(frozen=True, slots=True)
class NodeResult:
    """One node's end and counters."""

    end: End
    traffic: Mapping[str, Traffic]
    """By handler, ``path.handler`` for a child's."""
    elapsed_time: float
    """Seconds from start to this node's end."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Messages dropped at this node, by reason."""
    algorithm: str = ""
    """Name of the node's class."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """Connections refused at this node in the real modes, by cause."""
    misfits: tuple[Misfit, ...] = ()
    """Those of the dropped messages that did not fit, by sender and handler."""

    @property
    def messages_in(self) -> int:
        """Casts and requests delivered to handlers."""
        return sum(traffic.messages_in for traffic in self.traffic.values())

    @property
    def messages_out(self) -> int:
        """Casts and requests sent."""
        return sum(traffic.messages_out for traffic in self.traffic.values())

    @property
    def bytes_in(self) -> int:
        """Payload bytes of what was delivered to handlers."""
        return sum(traffic.bytes_in for traffic in self.traffic.values())

    @property
    def bytes_out(self) -> int:
        """Payload bytes of the casts and requests sent."""
        return sum(traffic.bytes_out for traffic in self.traffic.values())

    def messages_received(self) -> dict[str, int]:
        """Deliveries to handlers by layer path; the top layer is ``""``."""
        counts: dict[str, int] = {}
        for name, traffic in self.traffic.items():
            path = name.rpartition(".")[0]
            counts[path] = counts.get(path, 0) + traffic.messages_in
        return counts


@dataclass(frozen=True, slots=True)
class RunResult:
    """What happened in one run."""

    ended: Outcome
    """How the run came to its end, whatever its nodes did: ``failed`` only where ``--fail-fast`` stopped it."""
    nodes: Mapping[PeerId, NodeResult]
    reports: Mapping[PeerId, dict[str, object]]
    seed: int
    mode: str
    virtual_time: float
    """Seconds of virtual time offline; wall time in the real modes."""
    wall_time: float
    """Seconds it took."""
    deliveries: int
    """Messages given to nodes, replies included; ``messages`` counts without them."""
    in_transit: int = 0
    """Messages on their way when the run ended: counted, not delivered."""
    link_room: int | None = None
    """Offline: messages that could be on their way over one link before casts and requests waited; None: any number."""
    digest: str | None = None
    hash_seed: str = "random"
    time_zone: str = "UTC"
    """Local time of the process that ran it; at a simulated node local time is UTC as far as Python code can tell."""
    failures: tuple[Failure, ...] = ()
    suspended: tuple[Suspended, ...] = ()
    reason: str = ""
    """Which limit a timeout reached, and which nodes were busy."""
    algorithms: Mapping[PeerId, Algorithm] = NOT_HERE
    """Offline: the instances, as the run left them. Elsewhere reading them raises; ``reports`` are there always."""
    remarks: tuple[str, ...] = ()
    """What looks like a slip in the algorithm, though it may be meant."""
    check_error: str | None = None
    """What the ``check`` of the algorithm's module found wrong."""
    audit: Audit | None = None
    """With ``audit=True``, whether the run is repeatable; one that is not has failed."""

    @property
    def messages(self) -> int:
        """Casts and requests that the nodes took, replies apart: what all of them have in ``messages_in``."""
        return sum(node.messages_in for node in self.nodes.values())

    @property
    def outcome(self) -> Outcome:
        """What the run came to: the first that applies. All that is said of its success follows from this."""
        if self.ended in (Outcome.INTERRUPTED, Outcome.TIMEOUT):
            return self.ended
        failed = (
            self.failures
            or self.check_error is not None
            or any(node.end in (End.FAILED, End.CRASHED) for node in self.nodes.values())
            or any(self.failing_drops())
            or (self.audit is not None and self.audit.difference is not None)
        )
        return Outcome.FAILED if failed else self.ended

    @property
    def exit_status(self) -> int:
        """0 completed or quiescent, 1 failed or stuck, 3 timeout, 130 interrupted."""
        return self.outcome.exit_status

    @property
    def ok(self) -> bool:
        """Whether the exit status is 0."""
        return self.exit_status == 0

    def failing_drops(self) -> Iterator[tuple[PeerId, Misfit]]:
        """The drops that fail the run, each with the node that dropped."""
        return ((name, one) for name, node in self.nodes.items() for one in node.misfits if one.fails)

    @property
    def problem(self) -> str:
        """Why it failed, on one line; nothing where it did not fail."""
        return "" if self.ok else _describe_problem(self).partition("\n")[0]

    def raise_if_failed(self) -> RunResult:
        """The result itself where it is ``ok``; else RunFailed, which says what failed."""
        if not self.ok:
            raise RunFailed(f"the run with seed {self.seed} failed: {self.problem}", self)
        return self

    @property
    def never_terminated(self) -> tuple[PeerId, ...]:
        """The nodes that ran to the end without ``terminate()``."""
        return tuple(node for node, result in self.nodes.items() if result.end is End.RUNNING)


def _describe_problem(result: RunResult) -> str:
    if result.failures:
        first = result.failures[0]
        others = len(result.failures) - 1
        more = f" (and {plural(others, 'more failure')})" if others else ""
        return f"{first.node} failed in {first.handler}: {first.exception}{more}"
    if result.check_error is not None:
        return f"check: {result.check_error}"
    drops = list(result.failing_drops())
    if not drops and result.audit is not None and result.audit.difference is not None:
        return result.audit.complaint
    if drops and result.outcome is Outcome.FAILED:
        node, one = drops[0]
        others = sum(drop.count for _, drop in drops) - 1
        more = f" (and {plural(others, 'more message')})" if others else ""
        return f"{node} dropped a {one.kind} from {one.src} for {one.handler}: {one.reason}{more}"
    return f"{result.outcome}: {result.reason}" if result.reason else str(result.outcome)
