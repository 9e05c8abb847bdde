"""After a thousand casts in one step a node lets others run; each step begins to count anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, PeerId, handler
from distbench.node.activity import _LOOK_EVERY
from tests.node.alone import KINDS, N1, N2, Alone, real

WAYS = ("delivery", "woken task", "timer", "callback", "task", "after a yield", "delivery, then a task it wakes")
"""What begins a step."""
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}


class Counted:
    """Awaits something, and counts how often that lets others run."""

    def __init__(self, what: Awaitable[Any]) -> None:
        self.yields = 0
        self._what = what

    def __await__(self) -> Generator[Any, Any, None]:
        for waits_for in self._what.__await__():
            self.yields += 1
            yield waits_for


class Bursts(Algorithm):
    """Makes many casts in steps of every kind, and notes how often each burst had to wait."""

    def __init__(self) -> None:
        self.waited: list[tuple[str, int, int]] = []
        self.go = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def burst(self, way: str, count: int) -> None:
        yields = 0
        for number in range(count):
            counted = Counted(self.peers[N2].told(number))
            await counted
            yields += counted.yields
        self.waited.append((way, count, yields))

    async def begin(self, way: str, count: int) -> None:
        loop = asyncio.get_running_loop()
        if way == "timer":
            loop.call_later(0, (fired := loop.create_future()).set_result, None)
            await fired
        elif way == "woken task":
            await self.go.wait()
        elif way == "callback":
            loop.call_soon(lambda: self.tasks.append(loop.create_task(self.burst(way, count))))
            return
        elif way == "task":
            self.tasks.append(loop.create_task(self.burst(way, count)))
            return
        elif way == "after a yield":
            await asyncio.sleep(0)
        elif way == "delivery, then a task it wakes":
            woken = loop.create_future()
            self.tasks.append(loop.create_task(self.burst_after(woken, way, count)))
            await asyncio.sleep(0)
            await self.burst(way, count)
            woken.set_result(None)
            return
        await self.burst(way, count)

    async def burst_after(self, what: Awaitable[None], way: str, count: int) -> None:
        await what
        await self.burst(way, count)

    @handler
    async def please(self, src: PeerId, burst: tuple[str, int]) -> None:
        await self.begin(*burst)

    @handler
    async def wake(self, src: PeerId, count: int) -> None:
        if count:
            await self.burst("delivery", count)
        self.go.set()

    @handler
    async def told(self, src: PeerId, number: int) -> None: ...


def simulate(plan: list[tuple[str, int]], wakes_with: int = 0) -> list[tuple[str, int, int]]:
    """How often the bursts of n1 had to wait that n2 asks for, all at once."""

    @distbench.distbench
    class Asked(Bursts):
        async def on_start(self) -> None:
            if self.id() == N2:
                for burst in plan:
                    await self.peers[N1].please(burst)
                await self.peers[N1].wake(wakes_with)

    found = distbench.run(Asked, TWO, latency="1-1").raise_if_failed().algorithms[N1]
    assert isinstance(found, Asked)
    return found.waited


def really(plan: list[tuple[str, int]], wakes_with: int = 0) -> list[tuple[str, int, int]]:
    """The same on the loop of a node's own process, with a link that takes everything."""
    waited: list[tuple[str, int, int]] = []

    async def main(world: Alone) -> None:
        world.start()
        for way, count in plan:
            world.arrive("please", b'["%s",%d]' % (way.encode(), count))
        world.arrive("wake", b"%d" % wakes_with)
        while len(world.algorithm.waited) < len(bursts_of(plan)) + bool(wakes_with) and not world.failures:
            await asyncio.sleep(0)
        waited.extend(world.algorithm.waited)
        assert (world.failures, world.told) == ([], [])

    real(distbench.distbench(type("Really", (Bursts,), {})), main)
    return waited


def bursts_of(plan: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """One of them is two."""
    return sorted(burst for burst in plan for _ in range(2 if "then" in burst[0] else 1))


@pytest.mark.parametrize("play", [simulate, really])
@pytest.mark.parametrize("way", WAYS)
def test_steps_that_make_less_than_a_thousand_casts_each_never_let_others_run(play: Any, way: str) -> None:
    waited = play([(way, 600)] * 4)
    assert waited == [(way, 600, 0)] * len(bursts_of([(way, 600)] * 4))


@pytest.mark.parametrize("play", [simulate, really])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count, yields", [(999, 0), (1000, 1), (1999, 1), (2500, 2)])
def test_a_step_of_a_thousand_casts_lets_others_run_once(play: Any, way: str, count: int, yields: int) -> None:
    waited = play([(way, count)])
    assert waited == [(way, count, yields)] * len(bursts_of([(way, count)]))


@pytest.mark.parametrize("play", [simulate, really])
def test_a_delivery_and_the_one_task_that_it_wakes_are_two_steps(play: Any) -> None:
    assert play([("woken task", 600)], wakes_with=600) == [("delivery", 600, 0), ("woken task", 600, 0)]


bursts = st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, 2100)), max_size=6)


@settings(max_examples=20)
@given(bursts)
def test_simulated_steps_count_their_own_casts_only(plan: list[tuple[str, int]]) -> None:
    waited = simulate(plan)
    assert sorted((way, count) for way, count, _ in waited) == bursts_of(plan)
    assert all(yields == count // 1000 for _, count, yields in waited)


@settings(max_examples=50)
@given(bursts)
def test_steps_of_a_real_node_count_few_casts_of_others(plan: list[tuple[str, int]]) -> None:
    waited = really(plan)
    assert sorted((way, count) for way, count, _ in waited) == bursts_of(plan)
    for _, count, yields in waited:
        assert count // 1000 <= yields <= (count + _LOOK_EVERY - 1) // 1000


@pytest.mark.parametrize("kind", KINDS)
def test_casts_to_a_node_that_is_gone_count_as_well(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.node.peer_down(N2, "is gone")
        world.arrive("please", b'["delivery",2000]')
        while world.node.running:
            await asyncio.sleep(0)
        assert world.algorithm.waited == [("delivery", 2000, 2)]
        assert world.node.drops.reasons == {"n2 is gone": 2000}

    KINDS[kind](distbench.distbench(type("Gone", (Bursts,), {})), main)


@pytest.mark.parametrize("hook", ["on_start", "on_exit", "__init__"])
def test_what_each_simulated_node_does_at_its_start_and_end_is_a_step_of_its_own(hook: str) -> None:
    @distbench.distbench
    class AtOnce(Bursts):
        async def on_start(self) -> None:
            if hook == "on_start":
                await self.burst(hook, 600)

        async def on_exit(self) -> None:
            if hook == "on_exit":
                await self.burst(hook, 600)

        def __init__(self) -> None:
            super().__init__()
            if hook == "__init__":
                loop = asyncio.get_running_loop()
                self.tasks.append(loop.create_task(self.burst(hook, 600)))

        @property
        def other(self) -> PeerId:
            return next(iter(self.peers))

        async def burst(self, way: str, count: int) -> None:
            yields = 0
            for number in range(count):
                counted = Counted(self.peers[self.other].told(number))
                await counted
                yields += counted.yields
            self.waited.append((way, count, yields))

    result = distbench.run(AtOnce, {f"n{number}": {} for number in range(1, 5)}).raise_if_failed()
    assert [getattr(each, "waited") for each in result.algorithms.values()] == [[(hook, 600, 0)]] * 4  # noqa: B009
