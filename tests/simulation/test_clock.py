"""The clock of a simulated node: it starts at a fixed date, and no two readings are alike."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import os
import time
import timeit
from collections.abc import Awaitable, Callable
from datetime import datetime as moment
from time import time as seconds
from typing import Any

import pytest

import distbench
from distbench import Algorithm, Outcome, PeerId, handler
from distbench.simulation.choices import Choices
from distbench.simulation.machine import Machine
from distbench.simulation.scheduler import Scheduler

ONE: dict[str, dict[str, object]] = {"n1": {}}
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
BEGAN = 1_577_836_800
"""The first of January 2020, midnight in UTC."""

SINCE_START: dict[str, Callable[[], float]] = {
    "monotonic": lambda: time.monotonic(),
    "perf_counter": lambda: time.perf_counter(),
    "process_time": lambda: time.process_time(),
    "thread_time": lambda: time.thread_time(),
    "monotonic_ns": lambda: time.monotonic_ns() / 10**9,
    "perf_counter_ns": lambda: time.perf_counter_ns() / 10**9,
    "default_timer": lambda: timeit.default_timer(),
    "Timer": lambda: vars(timeit.Timer())["timer"](),
    "os.times": lambda: os.times().elapsed,
    "clock_gettime": lambda: time.clock_gettime(time.CLOCK_MONOTONIC),
    "clock_gettime_ns": lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 10**9,
}
WALL: dict[str, Callable[[], float]] = {
    "time": lambda: time.time(),
    "a name that was bound before": lambda: seconds(),
    "time_ns": lambda: time.time_ns() / 10**9,
    "clock_gettime of the wall": lambda: time.clock_gettime(time.CLOCK_REALTIME),
    "datetime.now": lambda: datetime.datetime.now(datetime.UTC).timestamp(),
    "utcnow": lambda: datetime.datetime.utcnow().replace(tzinfo=datetime.UTC).timestamp(),
    "another name of datetime": lambda: moment.now(datetime.UTC).timestamp(),
}
READINGS = {**SINCE_START, **WALL}


def run(*steps: Callable[[], Any], nodes: dict[str, dict[str, object]] = ONE, sleep: float = 1) -> list[Any]:
    """What ``steps`` give at the start of each node, and again after ``sleep`` seconds."""
    seen: list[Any] = []

    @distbench.distbench
    class Steps(Algorithm):
        async def on_start(self) -> None:
            seen.extend(step() for step in steps)
            await asyncio.sleep(sleep)
            seen.extend(step() for step in steps)
            await self.terminate()

    result = distbench.run(Steps, nodes)
    assert (result.failures, result.outcome) == ((), Outcome.COMPLETED)
    return seen


@pytest.mark.parametrize("name", SINCE_START)
def test_a_clock_that_counts_from_the_start_begins_at_zero(name: str) -> None:
    assert run(SINCE_START[name]) == [0.0, 1.0]


@pytest.mark.parametrize("name", WALL)
def test_the_wall_clock_begins_at_a_fixed_date(name: str) -> None:
    assert run(WALL[name]) == [BEGAN, BEGAN + 1]


def test_the_calendar_tells_the_same_date() -> None:
    steps = (
        lambda: time.strftime("%Y-%m-%d", time.gmtime()),
        lambda: time.mktime(time.localtime()),
        lambda: datetime.datetime.now().timestamp() // 1,
    )
    assert run(*steps)[:3] == ["2020-01-01", BEGAN, BEGAN]


@pytest.mark.parametrize("second", READINGS)
@pytest.mark.parametrize("first", READINGS)
def test_no_reading_repeats_another_of_any_kind(first: str, second: str) -> None:
    seen = [each % BEGAN for each in run(READINGS[first], READINGS[second], READINGS[first])]
    assert [later - sooner > 6e-7 for sooner, later in itertools.pairwise(seen)] == [True] * 5


@pytest.mark.parametrize("name", READINGS)
def test_thousands_of_readings_are_all_different_and_rise(name: str) -> None:
    read = READINGS[name]
    seen = run(lambda: [read() for _ in range(5_000)], sleep=0.001)
    assert all(sooner < later for sooner, later in itertools.pairwise(itertools.chain(*seen)))
    assert seen[1][0] - seen[0][0] == pytest.approx(0.005 + 0.001 - 1e-6, abs=2e-6)


def test_the_next_reading_after_time_has_passed_is_the_time_of_the_event() -> None:
    now, first, _, then = run(
        lambda: asyncio.get_running_loop().time(), lambda: [time.monotonic_ns() for _ in range(3)], sleep=0.5
    )
    assert (now, first) == (0, [0, 1_000, 2_000])
    # One more than half a second after the last: as floats, the readings would be less than that apart.
    assert then == [500_002_001, 500_003_001, 500_004_001]


def test_nodes_read_clocks_of_their_own() -> None:
    assert run(lambda: time.monotonic_ns(), nodes=TWO, sleep=0.25) == [0, 0] + [250_000_000] * 2


def test_the_loop_shows_the_last_reading_and_counts_nothing() -> None:
    def step() -> tuple[list[float], int]:
        loop = asyncio.get_running_loop()
        shown = [loop.time()]
        for _ in range(3):
            time.monotonic_ns()
            shown += [loop.time(), loop.time()]
        return shown, time.monotonic_ns()

    assert run(step)[0] == ([0, 0, 0, 1e-6, 1e-6, 2e-6, 2e-6], 3_000)


SLEEPS: dict[str, Callable[[asyncio.AbstractEventLoop, float], Awaitable[Any]]] = {}


def _sleep(function: Callable[[asyncio.AbstractEventLoop, float], Awaitable[Any]]) -> None:
    SLEEPS[function.__name__] = function


@_sleep
async def sleep(_: asyncio.AbstractEventLoop, delay: float) -> None:
    await asyncio.sleep(delay)


@_sleep
async def call_later(loop: asyncio.AbstractEventLoop, delay: float) -> None:
    woken = loop.create_future()
    loop.call_later(delay, woken.set_result, None)
    await woken


@_sleep
async def call_at(loop: asyncio.AbstractEventLoop, delay: float) -> None:
    woken = loop.create_future()
    loop.call_at(loop.time() + delay, woken.set_result, None)
    await woken


@_sleep
async def timeout(_: asyncio.AbstractEventLoop, delay: float) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(delay):
            await asyncio.Event().wait()


@_sleep
async def timeout_at(loop: asyncio.AbstractEventLoop, delay: float) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout_at(loop.time() + delay):
            await asyncio.Event().wait()


@_sleep
async def wait_for(_: asyncio.AbstractEventLoop, delay: float) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), delay)


@_sleep
async def wait(_: asyncio.AbstractEventLoop, delay: float) -> None:
    await asyncio.wait([asyncio.create_task(asyncio.sleep(delay * 10))], timeout=delay)


@pytest.mark.parametrize("name", SLEEPS)
@pytest.mark.parametrize("readings", [0, 1, 5, 3_000])
@pytest.mark.parametrize("clock", [time.time_ns, time.time, time.perf_counter])
@pytest.mark.parametrize("delay", [0.001, 0.1, 0.25, 1, 1.2345678, 12345.6])
def test_no_wait_measures_short(delay: float, clock: Callable[[], float], readings: int, name: str) -> None:
    spent: list[float] = []
    unit = 1e9 if clock is time.time_ns else 1

    @distbench.distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            for _ in range(readings):
                time.time()
            began = read()
            await SLEEPS[name](asyncio.get_running_loop(), delay)
            spent.append(read() - began)
            await self.terminate()

    read = clock
    assert distbench.run(Waits, ONE, timeout=1e6).failures == ()
    assert 0 <= spent[0] / unit - delay <= 1e-6


def test_readings_move_neither_the_events_nor_the_time_of_the_run() -> None:
    def times(readings: int) -> list[float]:
        seen: list[float] = []

        @distbench.distbench
        class Reads(Algorithm):
            async def on_start(self) -> None:
                for _ in range(readings):
                    time.time()
                seen.append(self.now())
                for peer in self.peers.values():
                    await peer.tell(1)

            @handler
            async def tell(self, src: PeerId, number: int) -> None:
                for _ in range(readings):
                    time.time()
                seen.append(self.now())
                await self.terminate()

        result = distbench.run(Reads, TWO)
        return [*seen, result.virtual_time]

    assert times(0) == times(50_000)


def test_an_id_made_of_the_time_is_an_id() -> None:
    made: list[int] = []

    @distbench.distbench
    class Ids(Algorithm):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                for _ in range(3):
                    await peer.tell(time.time_ns())

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            made.append(number)

    distbench.run(Ids, TWO)
    assert [made.count(each) for each in sorted(set(made))] == [2, 2, 2]  # three of each node, whose clocks agree


def test_who_waits_for_a_time_by_reading_the_clock_gets_there() -> None:
    def step() -> float:
        until = time.monotonic() + 0.01
        while time.monotonic() < until:
            pass
        return until

    assert len(run(step)) == 2


def test_what_is_shown_is_not_read() -> None:
    scheduler = Scheduler()
    machine = Machine(PeerId("n1"), scheduler, Choices(0))
    scheduler.now = 7
    assert (machine.shown(), machine.wall_shown(), machine.read(), machine.shown()) == (7, BEGAN * 10**9 + 7, 7, 7)
    assert (machine.wall(), machine.shown(), machine.wall_shown()) == (
        BEGAN * 10**9 + 1_007,
        1_007,
        BEGAN * 10**9 + 1_007,
    )
    scheduler.now = 5_000
    assert (machine.shown(), machine.read()) == (5_000, 5_000)
