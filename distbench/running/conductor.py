"""Drives the coordinator of the real modes: hears the nodes over the network, and does what it decides."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Final

from distbench.community import PeerId
from distbench.config.model import RunConfig
from distbench.errors import StartupError, WireError
from distbench.logs import REPEATS
from distbench.network.party import Terms
from distbench.network.tcp import Address, Junction
from distbench.running.control import (
    COORDINATOR,
    Count,
    Counted,
    Crashed,
    CutOff,
    Done,
    Failed,
    Idle,
    Joined,
    Left,
    Notice,
    Over,
    Ready,
    Roster,
    Start,
    Stop,
    Told,
    Wave,
    WaveReply,
    decode_control,
    encode_control,
)
from distbench.running.coordinator import (
    Command,
    Coordinator,
    Finish,
    Phase,
    SendNotice,
    SendRoster,
    SendStart,
    SendStop,
    SendWave,
)
from distbench.running.gauge import Gauge, Progress
from distbench.running.nodespec import DEFAULT_TIMEOUT
from distbench.running.options import RunOptions
from distbench.running.result import FIRST_FAILURE, End, Failure, NodeResult, Outcome, RunResult
from distbench.running.signals import Interrupted
from distbench.running.zone import time_zone
from distbench.signing import KeyPair

logger = logging.getLogger("distbench.run")

STARTUP_TIMEOUT: Final = 60.0
_LEAVE_LIMIT: Final = 7.0
INTERRUPTED_LIMIT: Final = 0.6
_ASK_BEFORE: Final = 1.0
_COUNT_EVERY: Final = 0.4
_SAY_AFTER: Final = (2.0, 10.0)


class Conductor:
    """Owner of the coordinator's junction. ``main`` is the run."""

    def __init__(
        self,
        config: RunConfig,
        options: RunOptions,
        *,
        mode: str,
        keys: KeyPair,
        roster: Mapping[PeerId, bytes | None],
        addresses: Mapping[PeerId, Address],
        terms: Terms,
        startup_timeout: float,
        gone_after: float | None,
        link_limit: float,
        gauge: Gauge | None = None,
        on_late: Callable[[Iterable[PeerId]], object] = list,
    ) -> None:
        """``gauge`` shows how far the run is; ``on_late`` hears who does not leave."""
        self.config = config
        self.options = options
        self.coordinator = Coordinator(config.nodes)
        self.left: dict[PeerId, Left] = {}
        self.done: set[PeerId] = set()
        self._mode = mode
        self._keys = keys
        self._roster = roster
        self._addresses = addresses
        self._terms = terms
        self._startup_timeout = startup_timeout
        self._gone_after = gone_after
        self._link_limit = link_limit
        self._gauge = gauge
        self._on_late = on_late
        self._counted: dict[PeerId, int] = {}
        """Messages that each node had taken when it was last asked."""
        self._reason = ""
        self._started_at = 0.0
        self._ended_at = 0.0
        self._limit: asyncio.TimerHandle | None = None
        self._died: dict[PeerId, str] = {}
        self._noticed: dict[PeerId, float] = {}
        """When a node was first found to be dead or cut off, in seconds since the start."""
        self._interrupted = ""
        self._refusals: dict[PeerId, str] = {}
        """Why a node did not let this side in; it says more than that it is not there any more."""

    async def main(self) -> RunResult:
        """Bring the run up and down. Raises StartupError naming the nodes that did not come."""
        loop = self.loop = asyncio.get_running_loop()
        began = monotonic()
        self._running: asyncio.Future[None] = loop.create_future()
        self._finished: asyncio.Future[None] = loop.create_future()
        self.junction = Junction(
            COORDINATOR, self._keys, self._terms, self, gone_after=self._gone_after, link_limit=self._link_limit
        )
        self.junction.roster.update(self._roster)
        for node in self.config.nodes:
            self.junction.dial(node, self._addresses[node])
        goodbye = "the run is over"
        try:
            await self._come_up()
            await self._finished
            self._tell_all(Over(self.coordinator.outcome or Outcome.COMPLETED, self._reason))
        except StartupError as error:
            goodbye = f"gave up: {error}"
            raise
        except KeyboardInterrupt:
            goodbye = "it was interrupted"
            raise
        finally:
            await self.junction.aclose(goodbye)
        return self._result(began)

    async def _come_up(self) -> None:
        """Wait until the run has started or was given up, saying whom it waits for."""
        deadline = monotonic() + self._startup_timeout
        pauses = iter((*_SAY_AFTER, *([10.0] * 10_000)))
        while True:
            wait = min(next(pauses), deadline - monotonic())
            done, _ = await asyncio.wait(
                (self._running, self._finished), timeout=max(wait, 0), return_when=asyncio.FIRST_COMPLETED
            )
            if self._interrupted:
                raise Interrupted(self._interrupted)
            if done:
                for future in done:
                    future.result()
                return
            if monotonic() >= deadline:
                there = self.coordinator.phase is Phase.LINKING
                what = "could not reach all neighbours" if there else "did not come up"
                limit = f"within {self._startup_timeout:g} s (--startup-timeout)"
                raise StartupError(f"{self._waiting_for()} {what} {limit}")
            logger.warning("waiting for %s", self._waiting_for())

    def _waiting_for(self) -> str:
        missing = self.coordinator.missing
        whys = {node: self._refusals.get(node) or self.junction.link(node).trouble for node in missing[:10]}
        shown = [f"{node} ({why})" if why else node for node, why in whys.items()]
        return ", ".join(shown) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")

    # -------------------------------------------------- inputs

    def on_linked(self, peer: PeerId, key: bytes, run: bytes) -> None:
        self._refusals.pop(peer, None)  # whoever refused before; the peer says Joined itself

    def on_gone(self, peer: PeerId, reason: str, unsent: int) -> None:
        self.node_gone(peer, reason)

    def on_refused(self, peer: PeerId | None, reason: str) -> None:
        logger.warning("%s: %s", peer or "a connection", reason, extra=REPEATS)
        if peer is not None:
            self._refusals[peer] = reason

    def on_message(self, peer: PeerId, handler: int, call: int, payload: bytes) -> None:
        control = decode_control(payload)
        coordinator = self.coordinator
        match control:
            case Joined():
                self._obey(coordinator.joined(peer, self.junction.roster[peer] or b""))
            case Ready():
                self._obey(coordinator.ready(peer))
            case Done():
                self.done.add(peer)
                self._obey(coordinator.done(peer))
            case Idle():
                self._obey(coordinator.idle(peer, control.standing))
            case WaveReply():
                self._obey(coordinator.wave(peer, control.number, control.standing))
            case Counted():
                self._counted[peer] = control.messages
            case Crashed():
                self._noticed.setdefault(peer, self._elapsed())
                self._lose(peer, control.reason)
            case Failed():
                self._fail_fast()
            case CutOff():
                if peer not in coordinator.gone:  # what the dead say of the living counts for nothing
                    self.node_gone(PeerId(control.peer), control.reason)
            case Left():
                self.left[peer] = control
                self._obey(coordinator.left(peer))
            case _:
                raise WireError(f"{type(control).__name__} is no word of a node")

    def node_gone(self, node: PeerId, reason: str) -> None:
        """A node's process died, or nobody can reach it."""
        if node not in self.config.nodes or node in self.coordinator.gone or self.coordinator.phase is Phase.OVER:
            return
        if self.coordinator.phase is Phase.STOPPING and node in self.left:
            return
        self._died[node] = reason
        self._noticed.setdefault(node, self._elapsed())
        logger.error("%s %s", node, reason)
        if self.coordinator.phase in (Phase.GATHERING, Phase.LINKING):
            self._give_up(StartupError(f"{node} {reason} before the run began"))
            return
        self._lose(node, reason)

    def _lose(self, node: PeerId, reason: str) -> None:
        """The run goes on without a node, if it does."""
        self._obey(self.coordinator.gone_node(node, reason))
        self._fail_fast()

    def _fail_fast(self) -> None:
        """Something failed: the run ends for it, if that is wanted."""
        if self.options.fail_fast and self.coordinator.phase is Phase.RUNNING:
            self._reason = FIRST_FAILURE
            self._obey(self.coordinator.stop(Outcome.FAILED))

    def _give_up(self, error: StartupError) -> None:
        if not self._running.done():
            self._running.set_exception(error)
            self._running.exception()  # where nobody waits for it any more, something else was told

    def interrupt(self, reason: str) -> None:
        """Ctrl-C or a signal: leave at once, with what there is."""
        if (
            self.coordinator.phase in (Phase.STOPPING, Phase.OVER)
            and self.coordinator.outcome is not Outcome.INTERRUPTED
        ):
            self._arm(INTERRUPTED_LIMIT, self._leave_without, INTERRUPTED_LIMIT)  # it ends already, and shall do so now
            return
        self._reason = reason
        if self.coordinator.phase in (Phase.GATHERING, Phase.LINKING):
            self._interrupted = reason
            if not self._running.done():
                self._running.set_result(None)
            return
        self._obey(self.coordinator.stop(Outcome.INTERRUPTED))
        if self.coordinator.phase is not Phase.OVER:
            self._arm(INTERRUPTED_LIMIT, self._leave_without, INTERRUPTED_LIMIT)

    # -------------------------------------------------- commands

    def _obey(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            match command:
                case SendRoster(keys):
                    self._tell_all(Roster({str(node): key for node, key in keys.items()}))
                case SendStart():
                    if not self._running.done():
                        self._running.set_result(None)
                    self.loop.call_later(self.options.startup_delay, self._start)
                case SendWave(number):
                    self._tell_all(Wave(number))
                case SendStop(outcome):
                    self._ended_at = monotonic()
                    self._arm(_LEAVE_LIMIT - _ASK_BEFORE, self._ask_where)
                    self._tell_all(Stop(outcome))
                case SendNotice(node, reason):
                    self._tell_all(Notice(node, reason), but=node)
                case Finish():
                    self._finish()

    def _start(self) -> None:
        if self.coordinator.phase is not Phase.RUNNING:
            return  # it was stopped during --startup-delay
        options = self.options
        self._started_at = monotonic()
        limit = options.limit(DEFAULT_TIMEOUT)
        if limit == options.duration:
            self._arm(limit, self._time_is_up, Outcome.COMPLETED, "the duration was reached")
        else:
            self._arm(limit, self._time_is_up, Outcome.TIMEOUT, "the time limit (--timeout) was reached")
        self._tell_all(Start())
        if self._gauge is not None:
            self._gauge.attach(self._progress)
            self._count()

    def _count(self) -> None:
        """Ask the nodes how far they are, now and then, for whoever watches."""
        if self.coordinator.phase is Phase.RUNNING:
            self._tell_all(Count())
            self.loop.call_later(_COUNT_EVERY, self._count)

    def _elapsed(self) -> float:
        """Seconds since the nodes started."""
        return monotonic() - self._started_at if self._started_at else 0.0

    def _progress(self) -> Progress:
        return Progress(
            self._elapsed(),
            sum(list(self._counted.values())),  # looked at from another thread
            len(self.done),
            len(self.config.nodes),
            virtual=False,
        )

    def _time_is_up(self, outcome: Outcome, reason: str) -> None:
        self._reason = reason
        self._obey(self.coordinator.stop(outcome))

    def _arm(self, delay: float, callback: object, *arguments: object) -> None:
        """One limit at a time: of the run, then of leaving."""
        if self._limit is not None:
            self._limit.cancel()
        self._limit = self.loop.call_later(delay, callback, *arguments)  # type: ignore[arg-type]

    def _ask_where(self) -> None:
        """Some nodes do not leave: have those that are near say where they are busy, and wait a little more."""
        self._on_late(self.coordinator.missing)
        self._arm(_ASK_BEFORE, self._leave_without, _LEAVE_LIMIT)

    def _leave_without(self, limit: float) -> None:
        for node in self.coordinator.missing:
            self._died.setdefault(node, f"did not leave within {limit:g} s")
        self._finish()

    def _finish(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
        if not self._finished.done():
            self._finished.set_result(None)

    def _tell_all(self, control: Told, but: PeerId | None = None) -> None:
        payload = encode_control(control)
        for node in self.config.nodes:
            link = self.junction.link(node)
            if node != but and not link.over:
                link.send(-1, 0, payload)

    # -------------------------------------------------- the result

    def _node_result(self, left: Left, node: PeerId) -> NodeResult:
        """What a node said of itself; one that the run gave up has not done its part, whatever it thinks."""
        if node in self.coordinator.gone and left.result.end in (End.TERMINATED, End.RUNNING):
            return replace(left.result, end=End.FAILED, elapsed_time=self._noticed[node])
        return left.result

    def _in_transit(self) -> int:
        """Messages that had not come to a node that was there to the end: nothing is under way to the dead."""
        there = {node: left for node, left in self.left.items() if node not in self.coordinator.gone}
        return sum(
            max(0, count - there[PeerId(dst)].received.get(src, 0))
            for src, left in self.left.items()
            for dst, count in left.sent.items()
            if dst in there
        )

    def _result(self, began: float) -> RunResult:
        now = monotonic()
        ended = (self._ended_at or now) - (self._started_at or now)
        nodes = {
            node: self._node_result(self.left[node], node)
            if node in self.left
            else NodeResult(end=End.CRASHED, traffic={}, elapsed_time=self._noticed.get(node, ended))
            for node in self.config.nodes
        }
        lefts = [self.left[node] for node in self.config.nodes if node in self.left]
        failures = [failure for left in lefts for failure in left.failures]
        failures += [
            Failure(node, "process", "", self._noticed.get(node, ended), reason, "")
            for node, reason in {**self.coordinator.gone, **self._died}.items()
            if not (node in self.left and self.left[node].failures)
        ]
        return RunResult(
            ended=self.coordinator.outcome or Outcome.COMPLETED,
            nodes=nodes,
            reports={n: left.report for n in self.config.nodes if (left := self.left.get(n)) is not None},
            seed=self.options.seed,
            mode=self._mode,
            virtual_time=ended,
            wall_time=now - began,
            deliveries=sum(left.deliveries for left in lefts),
            in_transit=self._in_transit(),
            hash_seed=os.environ.get("PYTHONHASHSEED", "random"),
            time_zone=time_zone(),
            failures=tuple(failures),
            suspended=tuple(suspended for left in lefts for suspended in left.suspended),
            reason=self._reason,
        )
