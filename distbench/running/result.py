"""What a run leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from distbench.community import PeerId

if TYPE_CHECKING:
    from distbench.algorithm import Algorithm


class Outcome(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    """Every correct node said ``terminate()``, or ``--duration`` was reached."""
    QUIESCENT = "quiescent"
    """Nothing was left to happen, though some node never said ``terminate()``."""
    STUCK = "stuck"
    """Nothing was left to happen while a handler or hook of a correct node still waited."""
    TIMEOUT = "timeout"
    """The time limit, ``--max-events`` or the limit of steps at one instant was reached."""
    INTERRUPTED = "interrupted"
    """Ctrl-C, SIGTERM or SIGHUP; the reason says which."""


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

    outcome: Outcome
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
    digest: str | None = None
    hash_seed: str = "random"
    failures: tuple[Failure, ...] = ()
    suspended: tuple[Suspended, ...] = ()
    reason: str = ""
    """Which limit a timeout reached, and which nodes were busy."""
    algorithms: Mapping[PeerId, Algorithm] = field(default_factory=dict)
    """Offline: the instances, as the run left them."""
    remarks: tuple[str, ...] = ()
    """What looks like a slip in the algorithm, though it may be meant."""
    check_error: str | None = None
    """What the ``check`` of the algorithm's module found wrong."""

    @property
    def messages(self) -> int:
        """Casts and requests that the nodes took, replies apart: what all of them have in ``messages_in``."""
        return sum(node.messages_in for node in self.nodes.values())

    @property
    def exit_status(self) -> int:
        """0 completed or quiescent, 1 a node or the check failed or the run is stuck, 3 timeout, 130 interrupted."""
        match self.outcome:
            case Outcome.INTERRUPTED:
                return 130
            case Outcome.TIMEOUT:
                return 3
            case Outcome.STUCK:
                return 1
            case _:
                crashed = any(node.end is End.CRASHED for node in self.nodes.values())
                return 1 if self.failures or crashed or self.check_error is not None else 0

    @property
    def never_terminated(self) -> tuple[PeerId, ...]:
        """The nodes that ran to the end without ``terminate()``."""
        return tuple(node for node, result in self.nodes.items() if result.end is End.RUNNING)
