"""Timers that are due at one instant: their order is drawn, and whether a node's come one by one or together."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import Callable, Mapping
from heapq import heappush
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, PeerId, RunResult, handler
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.events import Drawn, Event, TimerFired
from distbench.node.current import current_node
from distbench.running.offline import run_offline
from distbench.running.options import Latency, RunOptions
from distbench.simulation.choices import Choice
from distbench.simulation.loop import Pause, SimLoop
from distbench.simulation.scheduler import Entry, Scheduler
from tests.node.instant import run_plainly

N1, N2 = PeerId("n1"), PeerId("n2")
SECOND = 10**9
Key = tuple[str | int, ...]


class Scope:
    """A node, as far as a loop knows one."""

    def __init__(self, name: str) -> None:
        self.node_id = PeerId(name)

    def now(self) -> float:
        raise NotImplementedError


class Arrival:
    """Anything but a timer that happens at an instant."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def happen(self, event: Entry) -> None:
        self._happens()


class World:
    """A loop with nodes, whose timers say that they fire and then, two rounds later, that they are played out."""

    def __init__(self, nodes: int, choose: Callable[[Key, int], int]) -> None:
        self.asked: list[tuple[Key, int]] = []
        self.seen: list[tuple[str, int]] = []
        self.told: list[object] = []

        def ask(key: Key, options: int) -> int:
            self.asked.append((key, options))
            return choose(key, options)

        self.loop = SimLoop(Scheduler(), self.told.append, ask)  # type: ignore[abstract]
        self.numbers = itertools.count()
        self.scopes = [Scope(f"n{number}") for number in range(nodes)]
        self.contexts = [contextvars.Context() for _ in self.scopes]
        for context, scope in zip(self.contexts, self.scopes, strict=True):
            context.run(current_node.set, scope)

    def arm(self, node: int, delay: float, then: Callable[[], object] = bool) -> asyncio.TimerHandle:
        number = next(self.numbers)

        def fires() -> None:
            self.seen.append(("fires", number))
            then()
            self.loop.call_soon(self.loop.call_soon, self.seen.append, ("ends", number))

        timer: asyncio.TimerHandle = self.loop.call_later(delay, fires, context=self.contexts[node])
        return timer

    def arrive(self, delay: int, then: Callable[[], object] = bool) -> None:
        number = next(self.numbers)

        def happens() -> None:
            self.seen.append(("arrives", number))
            then()

        scheduler = self.loop.scheduler
        heappush(scheduler.heap, (delay * SECOND, scheduler.number(), Arrival(happens)))

    def play(self) -> list[tuple[str, int]]:
        with self.loop:
            assert self.loop.play(10_000, 100 * SECOND) is Pause.IDLE
        return self.seen

    def fired(self) -> list[int]:
        return [number for what, number in self.seen if what == "fires"]


def dull(key: Key, options: int) -> int:
    return 0


def together(key: Key, options: int) -> int:
    return int(key[0] == "together")


def last(key: Key, options: int) -> int:
    return options - 1 if key[0] == "first" else 0


# -------------------------------------------------- the law

STEPS = st.lists(
    st.tuples(st.sampled_from(["timer", "timer", "timer", "arrival"]), st.integers(0, 3), st.integers(0, 2)),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(
    STEPS, st.randoms(use_true_random=False), st.sets(st.integers(0, 24)), st.dictionaries(*[st.integers(0, 24)] * 2)
)
def test_the_law_of_ties(
    steps: list[tuple[str, int, int]], random: Any, cancelled: set[int], cancels: dict[int, int]
) -> None:
    """``cancelled`` are so before the instant; what ``cancels`` names is cancelled by another that fires."""
    world = World(4, lambda key, options: random.randrange(options))
    timers: dict[int, tuple[int, int, asyncio.TimerHandle]] = {}
    instants = {number: delay for number, (_, _, delay) in enumerate(steps)}
    gone: set[int] = set()

    def happens(number: int) -> Callable[[], None]:
        def cancel() -> None:
            other = cancels.get(number)
            if other in timers and ("fires", other) not in world.seen:
                gone.add(other)
                timers[other][2].cancel()

        return cancel

    for number, (what, node, delay) in enumerate(steps):
        if what == "timer":
            timers[number] = (node, delay, world.arm(node, delay + 1, happens(number)))
        else:
            world.arrive(delay + 1, happens(number))
    for number in cancelled & set(timers):
        timers[number][2].cancel()
        gone.add(number)
    world.play()
    assert sorted(world.fired()) == sorted(set(timers) - gone)  # each once
    when = [instants[number] for what, number in world.seen if what != "ends"]
    assert when == sorted(when)
    for node in range(4):
        own = [number for number in world.fired() if timers[number][0] == node]
        assert own == sorted(own, key=lambda number: (instants[number], number))
    keys = [key for key, _ in world.asked]
    assert len(keys) == len(set(keys))
    for key, options in world.asked:
        at = int(key[-1] if key[0] == "together" else key[1]) // SECOND - 1
        due = [timers[number][0] for number in timers if timers[number][1] == at and number not in cancelled]
        if key[0] == "first":
            assert 2 <= options <= len(set(due))
        else:
            assert options == 2
            assert due.count(int(str(key[1])[1:])) >= 2
    assert world.told == []


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_where_0_is_drawn_each_is_played_out_in_the_order_of_arming(steps: list[tuple[str, int, int]]) -> None:
    world = World(4, dull)
    for what, node, delay in steps:
        if what == "timer":
            world.arm(node, delay + 1)
        else:
            world.arrive(delay + 1)
    order = sorted(range(len(steps)), key=lambda number: (steps[number][2], number))
    wanted = []
    for number in order:
        wanted += [("fires", number), ("ends", number)] if steps[number][0] == "timer" else [("arrives", number)]
    assert world.play() == wanted


@settings(max_examples=100, deadline=None)
@given(STEPS, st.randoms(use_true_random=False))
def test_whatever_is_drawn_between_nodes_what_arrives_keeps_its_place(
    steps: list[tuple[str, int, int]], random: Any
) -> None:
    world = World(4, lambda key, options: random.randrange(options) if key[0] == "first" else 0)
    for what, node, delay in steps:
        if what == "timer":
            world.arm(node, delay + 1)
        else:
            world.arrive(delay + 1)
    order = sorted(range(len(steps)), key=lambda number: (steps[number][2], number))
    happened = [("arrives" if what == "arrives" else "timer") for what, _ in world.play() if what != "ends"]
    assert happened == ["timer" if steps[number][0] == "timer" else "arrives" for number in order]


# -------------------------------------------------- the kinds


def test_a_nodes_timers_come_one_by_one_or_together() -> None:
    apart = [("fires", 0), ("ends", 0), ("fires", 1), ("ends", 1), ("fires", 2), ("ends", 2)]
    at_once = [("fires", 0), ("fires", 1), ("fires", 2), ("ends", 0), ("ends", 1), ("ends", 2)]
    for choose, wanted in ((dull, apart), (together, at_once)):
        world = World(1, choose)
        for _ in range(3):
            world.arm(0, 1.5)
        assert world.play() == wanted
        assert world.asked == [(("together", "n0", 0, 1_500_000_000), 2)]


def test_which_node_is_first_is_drawn_as_long_as_two_have_timers_left() -> None:
    world = World(3, last)
    for node in (0, 1, 2, 0):
        world.arm(node, 1)
    world.play()
    assert world.fired() == [2, 1, 0, 3]
    at = SECOND
    assert world.asked == [(("first", at, 0), 3), (("first", at, 1), 2), (("together", "n0", 0, at), 2)]


def test_timers_of_different_instants_are_no_ties() -> None:
    world = World(2, last)
    for node, delay in ((0, 1), (1, 1.000000001), (0, 2), (1, 3)):
        world.arm(node, delay)
    world.arrive(2)
    world.play()
    assert (world.fired(), world.asked) == ([0, 1, 2, 3], [])


def test_cancelled_timers_are_no_ties() -> None:
    world = World(2, together)
    world.arm(0, 1)
    world.arm(0, 1).cancel()
    world.arm(1, 1).cancel()
    world.play()
    assert (world.fired(), world.asked) == ([0], [])


@pytest.mark.parametrize("node", [0, 1])
def test_a_timer_that_the_first_cancels_is_no_tie_any_more(node: int) -> None:
    world = World(2, dull)
    others: list[asyncio.TimerHandle] = []
    world.arm(0, 1, lambda: others[0].cancel())
    others.append(world.arm(node, 1))
    world.arm(1, 1)
    world.play()
    assert world.fired() == [0, 2]
    assert [key[0] for key, _ in world.asked] == (["first", "together"] if node == 0 else ["first"])


def test_a_node_whose_first_timer_is_cancelled_has_the_place_of_its_next() -> None:
    world = World(3, dull)
    others: list[asyncio.TimerHandle] = []
    world.arm(0, 1, lambda: others[0].cancel())
    others.append(world.arm(1, 1))
    world.arm(2, 1)
    world.arm(1, 1)
    world.play()
    assert world.fired() == [0, 2, 3]


def test_what_a_timer_arms_for_its_own_instant_is_ready_before_the_next_turn() -> None:
    world = World(2, dull)
    world.arm(0, 1, lambda: None if len(world.fired()) > 1 else (world.arm(0, 0), None)[1])
    world.arm(1, 1)
    world.arm(0, 1)
    world.play()
    assert world.fired() == [0, 3, 1, 2]


def test_timers_outside_of_nodes_take_turns_too() -> None:
    world = World(1, last)
    world.loop.call_later(1, world.seen.append, ("fires", 100), context=contextvars.Context())
    world.loop.call_later(1, world.seen.append, ("fires", 101), context=contextvars.Context())
    world.arm(0, 1)
    world.play()
    assert world.fired() == [0, 100, 101]
    assert world.asked == [(("first", SECOND, 0), 2)]


def test_a_silenced_node_fires_no_more() -> None:
    world = World(2, dull)
    world.arm(0, 1, lambda: world.loop.silence(world.scopes[0]))
    for node in (0, 1, 0, 1):
        world.arm(node, 1)
    world.play()
    assert world.fired() == [0, 2, 4]


# -------------------------------------------------- in a run


def play(
    algorithm: type[Algorithm],
    config: Mapping[str, Mapping[str, Any]],
    seed: int = 0,
    replay: list[Choice] | None = None,
    latency: Latency | None = None,
) -> tuple[RunResult, list[Event]]:
    events: list[Event] = []

    def hears(event: Event) -> None:
        events.append(event)

    options = RunOptions(seed=seed, digest=True, link_room="none", latency=latency)
    return run_offline(define(algorithm), config_from_mapping(config), options, sink=hears, replay=replay), events


def draws(events: list[Event], kind: str) -> list[Choice]:
    return [Choice(e.key, e.options, e.index) for e in events if isinstance(e, Drawn) and e.key[0] == kind]


class Race:
    """Two workers that wake at one instant; each reads, lets others run, and writes."""

    def __init__(self) -> None:
        self.value = 0

    async def worker(self) -> None:
        await asyncio.sleep(1)
        before = self.value
        await asyncio.sleep(0)
        self.value = before + 1

    async def play(self) -> None:
        await asyncio.gather(self.worker(), self.worker())


@distbench.distbench
class Races(Algorithm):
    async def on_start(self) -> None:
        self.race = Race()
        await self.race.play()
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"value": self.race.value}


def test_a_race_of_two_timers_that_asyncio_shows_is_found_within_a_few_seeds() -> None:
    race = Race()
    run_plainly(lambda notes: race.play())
    assert race.value == 1
    found = {distbench.run(Races, {"n1": {}}, seed=seed).reports[N1]["value"] for seed in range(20)}
    assert found == {1, 2}


def test_a_tie_is_drawn_once_recorded_and_replayed() -> None:
    for index, value in ((0, 2), (1, 1)):
        record = [Choice(("together", "n1", 0, SECOND), 2, index)]
        result, events = play(Races, {"n1": {}}, replay=record)
        assert result.reports[N1] == {"value": value}
        assert draws(events, "together") == record
        assert [e.at for e in events if isinstance(e, TimerFired)] == [SECOND, SECOND]
        again, _ = play(Races, {"n1": {}}, replay=record)
        assert again.digest == result.digest


@distbench.distbench
class Ticks(Algorithm):
    """All wake at one instant, and tell n1."""

    async def on_start(self) -> None:
        self.heard: list[PeerId] = []
        await asyncio.sleep(1)
        if self.id() != N1:
            await self.peers[N1].tick(0)

    @handler
    async def tick(self, src: PeerId, number: int) -> None:
        self.heard.append(src)

    async def report(self) -> dict[str, object]:
        return {"heard": self.heard}


def test_nodes_that_wake_at_one_instant_do_so_in_any_order() -> None:
    orders = set()
    for seed in range(40):
        _, events = play(Ticks, {f"n{number}": {} for number in range(1, 4)}, seed=seed)
        orders.add(tuple(str(e.node) for e in events if isinstance(e, TimerFired)))
        assert [choice.key for choice in draws(events, "first")] == [("first", SECOND, 0), ("first", SECOND, 1)]
    assert orders == set(itertools.permutations(["n1", "n2", "n3"]))


def test_an_empty_record_wakes_them_in_the_order_of_arming() -> None:
    _, events = play(Ticks, {f"n{number}": {} for number in range(1, 4)}, replay=[])
    assert [str(e.node) for e in events if isinstance(e, TimerFired)] == ["n1", "n2", "n3"]


def test_a_node_that_crashes_at_its_first_timer_is_not_woken_by_its_others() -> None:
    @distbench.distbench
    class Crashes(Algorithm):
        woken = 0

        async def on_start(self) -> None:
            self.tasks = [asyncio.create_task(self.sleeps()) for _ in range(3)]
            await asyncio.sleep(1)
            raise ValueError

        async def sleeps(self) -> None:
            await asyncio.sleep(1)
            Crashes.woken += 1

    result, events = play(Crashes, {"n1": {}}, replay=[])
    assert not result.ok
    assert Crashes.woken == 0
    assert len([event for event in events if isinstance(event, TimerFired)]) == 1


def test_observing_draws_nothing() -> None:
    config: dict[str, dict[str, object]] = {f"n{number}": {} for number in range(1, 5)}
    for seed in range(5):
        observed, _ = play(Ticks, config, seed)
        plain = distbench.run(Ticks, config, seed=seed, link_room="none")
        assert plain.reports == observed.reports
