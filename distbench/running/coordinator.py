"""What brings a run up and down: one pure state machine for all modes.

    phase       input                        next        commands
    GATHERING   joined, by the last node     LINKING     SendRoster to all
    LINKING     ready, by the last node      RUNNING     SendStart to all
    RUNNING     done or gone, by the last    STOPPING    SendStop(completed)
                correct node
    RUNNING     idle reports that agree      RUNNING     SendWave: every node says once more how it stands
    RUNNING     a wave that agrees with      STOPPING    SendStop(stuck or quiescent)
                the reports before it
    RUNNING     stop: timeout, duration,     STOPPING    SendStop(that outcome)
                interrupt
    STOPPING    left, by the last node       OVER        Finish
    any         gone                         as it is    SendNotice to all others

Nothing is in transit and nobody is active when two successive waves agree (after F. Mattern, "Algorithms for
distributed termination detection", 1987, the four-counter method): every node was passive in both, did nothing in
between, and each link's sender and receiver counted the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from distbench.community import PeerId
from distbench.errors import InternalError
from distbench.running.result import Outcome


@dataclass(frozen=True, slots=True)
class Standing:
    """How a node stands at one moment."""

    passive: bool
    """Nothing is ready, no timer armed, no executor job under way."""
    suspended: bool
    """A handler or hook waits."""
    activity: int
    """Counts deliveries, timers and jobs."""
    sent: Mapping[PeerId, int]
    """Messages given to each link so far."""
    received: Mapping[PeerId, int]


@dataclass(frozen=True, slots=True)
class SendRoster:
    """To all: the key of everyone. Then open the links to neighbours, and say ready."""

    keys: Mapping[PeerId, bytes]


@dataclass(frozen=True, slots=True)
class SendStart:
    """To all: run."""


@dataclass(frozen=True, slots=True)
class SendWave:
    """To all: say how you stand."""

    number: int


@dataclass(frozen=True, slots=True)
class SendStop:
    """To all: leave, and report."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class SendNotice:
    """To all others: ``node`` is gone."""

    node: PeerId
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Every node that is still there has reported."""


Command: TypeAlias = SendRoster | SendStart | SendWave | SendStop | SendNotice | Finish


class Phase(Enum):
    """Where a run stands."""

    GATHERING = auto()
    LINKING = auto()
    RUNNING = auto()
    STOPPING = auto()
    OVER = auto()


class Coordinator:
    """Takes what is heard of the nodes, and returns what is to be done."""

    def __init__(self, nodes: Iterable[PeerId]) -> None:
        self.phase = Phase.GATHERING
        self.outcome: Outcome | None = None
        self._nodes = tuple(nodes)
        self._keys: dict[PeerId, bytes] = {}
        self._missing = dict.fromkeys(self._nodes)
        """The nodes whose input the present phase still waits for."""
        self._gone: dict[PeerId, str] = {}
        self._undone = dict.fromkeys(self._nodes)
        self._standing: dict[PeerId, Standing] = {}
        """The newest word of each node that was passive when it said it."""
        self._wave = 0
        self._replied: set[PeerId] | None = None
        """Who has answered the wave that is under way."""
        self._doubt = False
        """Somebody has done something since the wave began."""

    @property
    def missing(self) -> tuple[PeerId, ...]:
        """Whom the present phase waits for."""
        return tuple(self._missing)

    @property
    def gone(self) -> Mapping[PeerId, str]:
        """Who is gone, and why."""
        return self._gone

    @property
    def complete(self) -> bool:
        """Every correct node said ``terminate()``."""
        return not self._undone

    # -------------------------------------------------- inputs

    def joined(self, node: PeerId, key: bytes = b"") -> tuple[Command, ...]:
        """``node`` is there."""
        self._keys[node] = key
        if self.phase is not Phase.GATHERING:
            return ()
        self._missing.pop(node, None)
        return self._next_phase()

    def ready(self, node: PeerId) -> tuple[Command, ...]:
        """``node`` has its links."""
        if self.phase is Phase.LINKING:
            self._missing.pop(node, None)
        return self._next_phase()

    def done(self, node: PeerId) -> tuple[Command, ...]:
        """``node`` said ``terminate()``."""
        self._undone.pop(node, None)
        if self._undone or self.phase is not Phase.RUNNING:
            return ()
        return self._stop(Outcome.COMPLETED)

    def gone_node(self, node: PeerId, reason: str) -> tuple[Command, ...]:
        """``node`` is dead or cut off: nobody waits for it any more."""
        if node in self._gone or self.phase is Phase.OVER:
            return ()
        self._gone[node] = reason
        self._missing.pop(node, None)
        self._undone.pop(node, None)
        self._standing.pop(node, None)
        self._replied = None
        commands: tuple[Command, ...] = (SendNotice(node, reason),)
        if self.phase is Phase.RUNNING:
            return commands + (self._judge() if self._undone else self._stop(Outcome.COMPLETED))
        return commands + self._next_phase()

    def idle(self, node: PeerId, standing: Standing) -> tuple[Command, ...]:
        """``node`` has nothing to do at the moment; it says so again after every activity."""
        if node in self._gone or self.phase is not Phase.RUNNING:
            return ()
        self._doubt |= standing != self._standing.get(node)
        self._standing[node] = standing
        return () if self._replied is not None else self._judge()

    def wave(self, node: PeerId, number: int, standing: Standing) -> tuple[Command, ...]:
        """``node`` answers a wave. An answer to a wave that is void is as good as a word that it is idle."""
        if node in self._gone or self.phase is not Phase.RUNNING:
            return ()
        self._doubt |= standing != self._standing.pop(node, None)
        if standing.passive:  # who is not says so itself when it is again
            self._standing[node] = standing
        if self._replied is None:
            return self._judge()
        if number != self._wave:
            return ()
        self._replied.add(node)
        if len(self._replied) < len(self._nodes) - len(self._gone):
            return ()
        self._replied = None
        if self._doubt or not _agree(self._standing):
            return self._judge()
        stuck = any(one.suspended for one in self._standing.values())
        return self._stop(Outcome.STUCK if stuck else Outcome.QUIESCENT)

    def left(self, node: PeerId) -> tuple[Command, ...]:
        """``node`` has reported."""
        if self.phase is Phase.STOPPING:
            self._missing.pop(node, None)
        return self._next_phase()

    def stop(self, outcome: Outcome) -> tuple[Command, ...]:
        """Something from outside ends the run: a time limit, a duration, a person."""
        if self.phase in (Phase.STOPPING, Phase.OVER):
            return ()
        return self._stop(outcome)

    # -------------------------------------------------- decisions

    def _next_phase(self) -> tuple[Command, ...]:
        if self._missing:
            return ()
        match self.phase:
            case Phase.GATHERING:
                self._enter(Phase.LINKING)
                return (SendRoster(dict(self._keys)),) if self._missing else self._next_phase()
            case Phase.LINKING:
                self._enter(Phase.RUNNING)
                if not self._undone:
                    return self._stop(Outcome.COMPLETED)
                return (SendStart(),)
            case Phase.STOPPING:
                self._enter(Phase.OVER)
                return (Finish(),)
            case Phase.RUNNING | Phase.OVER:
                return ()
        raise InternalError(f"a coordinator cannot be {self.phase}")

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        waits = phase in (Phase.LINKING, Phase.STOPPING)
        self._missing = {n: None for n in self._nodes if n not in self._gone} if waits else {}

    def _stop(self, outcome: Outcome) -> tuple[Command, ...]:
        self.outcome = outcome
        self._replied = None
        self._enter(Phase.STOPPING)
        return (SendStop(outcome), *self._next_phase())

    def _judge(self) -> tuple[Command, ...]:
        """Start a wave where every node says that it is passive and every message has arrived."""
        if len(self._standing) < len(self._nodes) - len(self._gone) or not _agree(self._standing):
            return ()
        self._wave += 1
        self._replied = set()
        self._doubt = False
        return (SendWave(self._wave),)


def _agree(standings: Mapping[PeerId, Standing]) -> bool:
    """All are passive, and between those that are there everything sent has been received."""
    return all(
        standing.passive
        and all(
            peer not in standings or standings[peer].received.get(node, 0) == count
            for peer, count in standing.sent.items()
        )
        for node, standing in standings.items()
    )
