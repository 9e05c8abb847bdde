"""The coordinator under every order of events for two and three nodes, and the tables of phases."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest

from distbench.community import PeerId
from distbench.errors import InternalError
from distbench.network import session
from distbench.node import lifecycle
from distbench.running import coordinator as module
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
    Standing,
)
from distbench.running.result import Outcome
from tests.running.small_world import SmallWorld, Violation

N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))
IDLE = Standing(passive=True, suspended=False, activity=0, sent={}, received={})


def running(*nodes: PeerId) -> Coordinator:
    """A coordinator whose nodes have all started."""
    made = Coordinator(nodes)
    for step in (made.joined, made.ready):
        for node in nodes:
            step(node)
    assert made.phase is Phase.RUNNING
    return made


# -------------------------------------------------- every order of events


@pytest.mark.parametrize(
    "size, budget, options",
    [
        pytest.param(2, (0, 0), {"started": False, "crashes": 2, "limits": 1}, id="start with two deaths"),
        pytest.param(2, (1, 1), {}, id="two nodes with a message each"),
        pytest.param(2, (1, 0), {"calls": True, "crashes": 1}, id="a call and a death"),
        pytest.param(2, (1, 0), {"calls": True, "crashes": 1, "in_background": True}, id="a call in the background"),
        pytest.param(3, (0, 0, 0), {"started": False}, id="start of three"),
    ],
)
def test_whatever_the_order_the_run_ends_once_and_for_a_good_reason(
    size: int, budget: tuple[int, ...], options: dict[str, Any]
) -> None:
    assert SmallWorld(Coordinator, size, budget=budget, **options).explore(most=100_000) > 300


@pytest.mark.slow
@pytest.mark.parametrize(
    "size, budget, options",
    [
        pytest.param(2, (2, 1), {}, id="three messages"),
        pytest.param(3, (0, 1, 0), {"waiting": (1, 2), "crashes": 1}, id="a third node hears of a death"),
        pytest.param(2, (1, 1), {"calls": True, "crashes": 1}, id="two calls and a death"),
        pytest.param(2, (1, 1), {"calls": True, "crashes": 1, "in_background": True}, id="two calls in the background"),
        pytest.param(3, (1, 0, 0), {"limits": 1}, id="three nodes and a message"),
        pytest.param(3, (0, 0, 0), {"limits": 1, "crashes": 1}, id="three nodes and a death"),
        pytest.param(3, (1, 0, 0), {"calls": True, "crashes": 1}, id="three nodes, a call and a death"),
    ],
)
def test_larger_worlds_hold_as_well(size: int, budget: tuple[int, ...], options: dict[str, Any]) -> None:
    states = SmallWorld(Coordinator, size, budget=budget, **options).explore(most=1_000_000)
    print(f"{states:,} states")


class TrustsOneWave(Coordinator):
    """Planted: what the nodes said of themselves once is enough."""

    def _judge(self) -> tuple[Command, ...]:
        if not super()._judge():
            return ()
        stuck = any(standing.suspended for standing in self._standing.values())
        return self._stop(Outcome.STUCK if stuck else Outcome.QUIESCENT)


class DeafDuringWaves(Coordinator):
    """Planted: who says that it is idle while a wave is under way is not heard."""

    def idle(self, node: PeerId, standing: Standing) -> tuple[Command, ...]:
        return () if self._replied is not None else super().idle(node, standing)


class WaitsForTheDead(Coordinator):
    """Planted: waits for nodes that are gone."""

    def gone_node(self, node: PeerId, reason: str) -> tuple[Command, ...]:
        missing = dict(self._missing)
        commands = super().gone_node(node, reason)
        self._missing = missing if self.phase is Phase.STOPPING else self._missing
        return commands


@pytest.mark.parametrize(
    "kind, complaint",
    [
        (TrustsOneWave, "^(quiescent|stuck)"),
        (DeafDuringWaves, "is not over"),
        pytest.param(WaitsForTheDead, "is not over", marks=pytest.mark.slow),
    ],
)
def test_a_planted_mistake_is_found(kind: type[Coordinator], complaint: str) -> None:
    with pytest.raises(Violation, match=complaint):
        SmallWorld(kind, 3, budget=(0, 1, 0), waiting=(1, 2), crashes=1).explore(most=100_000)


def test_a_coordinator_that_does_not_count_messages_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_passive(standings: Mapping[PeerId, Standing]) -> bool:
        return all(standing.passive for standing in standings.values())

    monkeypatch.setattr(module, "_agree", all_passive)
    with pytest.raises(Violation, match=r"in transit|is active"):
        SmallWorld(Coordinator, 2, budget=(1, 0)).explore(most=100_000)


# -------------------------------------------------- single decisions


def test_the_roster_goes_out_when_the_last_has_joined_and_the_start_when_the_last_is_ready() -> None:
    coordinator = Coordinator((N1, N2))
    assert coordinator.joined(N2, b"two") == ()
    assert coordinator.missing == (N1,)
    assert coordinator.joined(N1, b"one") == (SendRoster({N2: b"two", N1: b"one"}),)
    assert coordinator.ready(N1) == ()
    assert coordinator.missing == (N2,)
    assert coordinator.ready(N2) == (SendStart(),)


def test_the_run_is_complete_when_the_last_correct_node_is_done() -> None:
    coordinator = running(N1, N2, N3)
    assert coordinator.done(N1) == ()
    assert coordinator.gone_node(N3, "was killed") == (SendNotice(N3, "was killed"),)
    assert coordinator.done(N2) == (SendStop(Outcome.COMPLETED),)
    assert coordinator.left(N1) == ()
    assert coordinator.left(N2) == (Finish(),)
    assert coordinator.phase is Phase.OVER


def test_a_death_can_complete_a_run() -> None:
    coordinator = running(N1, N2)
    coordinator.done(N1)
    assert coordinator.gone_node(N2, "was killed") == (SendNotice(N2, "was killed"), SendStop(Outcome.COMPLETED))


def test_a_second_notice_of_a_death_changes_nothing() -> None:
    coordinator = running(N1, N2)
    coordinator.gone_node(N2, "was killed")
    assert coordinator.gone_node(N2, "has lost its connection") == ()
    assert coordinator.gone == {N2: "was killed"}


def test_what_a_node_said_during_a_wave_is_not_lost() -> None:
    coordinator = running(N1, N2)
    coordinator.idle(N1, IDLE)
    (wave,) = coordinator.idle(N2, IDLE)
    assert wave == SendWave(1)
    assert coordinator.wave(N1, 1, IDLE) == ()
    # Meanwhile a message of n2 arrives at n1, which is idle again before the answer of n2 is here.
    sent = Standing(passive=True, suspended=False, activity=0, sent={N1: 1}, received={})
    received = Standing(passive=True, suspended=True, activity=1, sent={}, received={N2: 1})
    assert coordinator.idle(N1, received) == ()
    assert coordinator.wave(N2, 1, sent) == (SendWave(2),)
    coordinator.wave(N2, 2, sent)
    assert coordinator.wave(N1, 2, received) == (SendStop(Outcome.STUCK),)


def test_an_answer_to_an_old_wave_counts_for_nothing() -> None:
    coordinator = running(N1, N2, N3)
    for node in (N1, N2, N3):
        coordinator.idle(node, IDLE)
    assert coordinator.gone_node(N3, "was killed")[-1] == SendWave(2)
    assert coordinator.wave(N1, 1, IDLE) == ()
    assert coordinator.wave(N2, 2, IDLE) == ()
    assert coordinator.wave(N1, 2, IDLE) == (SendStop(Outcome.QUIESCENT),)


def test_an_answer_to_a_wave_that_a_death_made_void_is_not_forgotten() -> None:
    n4 = PeerId("n4")
    coordinator = running(N1, N2, N3, n4)
    waits = Standing(passive=True, suspended=True, activity=0, sent={N3: 1}, received={})
    coordinator.idle(N1, waits)
    coordinator.idle(N2, IDLE)
    coordinator.idle(n4, IDLE)
    asked = Standing(passive=True, suspended=True, activity=1, sent={}, received={N1: 1})
    assert coordinator.idle(N3, asked) == (SendWave(1),)
    assert coordinator.gone_node(N3, "was killed")[-1] == SendWave(2)
    # The notice wakes n1, which casts to n2. Its answer to the second wave is on its way when n4 dies as well.
    coordinator.wave(N1, 2, Standing(passive=False, suspended=False, activity=0, sent={N3: 1}, received={}))
    assert coordinator.gone_node(n4, "was killed") == (SendNotice(n4, "was killed"),)
    heard = Standing(passive=True, suspended=False, activity=1, sent={}, received={N1: 1})
    assert coordinator.wave(N2, 2, heard) == ()
    told = Standing(passive=True, suspended=False, activity=1, sent={N3: 1, N2: 1}, received={})
    assert coordinator.idle(N1, told) == (SendWave(3),)


def test_only_the_first_reason_to_stop_counts() -> None:
    coordinator = running(N1)
    assert coordinator.stop(Outcome.TIMEOUT) == (SendStop(Outcome.TIMEOUT),)
    assert coordinator.stop(Outcome.INTERRUPTED) == ()
    assert coordinator.outcome is Outcome.TIMEOUT


# -------------------------------------------------- tables


def reachable(table: Mapping[tuple[Enum, Enum], Enum], first: Enum) -> set[Enum]:
    found, todo = {first}, [first]
    while todo:
        here = todo.pop()
        after = {target for (phase, _), target in table.items() if phase is here} - found
        found |= after
        todo += after
    return found


@pytest.mark.parametrize(
    "table, phases, first, ends",
    [
        (lifecycle.NEXT, lifecycle.Phase, lifecycle.Phase.NEW, {lifecycle.Phase.ENDED, lifecycle.Phase.CRASHED}),
        (session.NEXT, session.Phase, session.Phase.DOWN, {session.Phase.CLOSED}),
    ],
    ids=["lifecycle", "session"],
)
def test_every_phase_can_be_reached_and_left_for_an_end(
    table: Mapping[tuple[Enum, Enum], Enum], phases: type[Enum], first: Enum, ends: set[Enum]
) -> None:
    assert reachable(table, first) == set(phases)
    for phase in phases:
        assert reachable(table, phase) & ends
    for end in ends:
        assert reachable(table, end) == {end}


def test_a_node_takes_no_signal_that_its_phase_does_not_know() -> None:
    for phase in lifecycle.Phase:
        for signal in lifecycle.Signal:
            if (phase, signal) not in lifecycle.NEXT:
                with pytest.raises(InternalError, match=f"{phase.name} cannot take {signal.name}"):
                    lifecycle.following(phase, signal)
