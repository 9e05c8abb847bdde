"""The loop on virtual time, by itself."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from distbench.simulation.loop import Pause, SimLoop, TooManySteps
from distbench.simulation.scheduler import Scheduler

SECOND = 10**9


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """What the loop was told of exceptions that nobody looked at."""
    return []


@pytest.fixture
def loop(told: list[dict[str, Any]]) -> Iterator[SimLoop]:
    with SimLoop(Scheduler(), told.append) as loop:  # type: ignore[abstract]
        yield loop


def test_it_is_idle_when_nothing_is_left(loop: SimLoop) -> None:
    seen: list[float] = []
    loop.call_later(2, lambda: seen.append(loop.time()))
    loop.call_soon(seen.append, -1.0)
    assert loop.play(100, 10 * SECOND) is Pause.IDLE
    assert (seen, loop.time()) == ([-1.0, 2.0], 2.0)


def test_it_stops_at_the_deadline_and_can_be_played_on(loop: SimLoop) -> None:
    seen: list[float] = []
    for delay in (1, 2, 3, 4):
        loop.call_later(delay, lambda: seen.append(loop.time()))
    assert loop.play(100, round(2.5 * SECOND)) is Pause.DEADLINE
    assert (seen, loop.time()) == ([1.0, 2.0], 2.5)
    assert loop.play(1, 10 * SECOND) is Pause.LIMIT
    assert loop.play(100, 10 * SECOND) is Pause.IDLE
    assert seen == [1.0, 2.0, 3.0, 4.0]


def test_it_stops_when_it_is_told_to(loop: SimLoop) -> None:
    def stop() -> None:
        loop.stopping = True

    loop.call_later(1, stop)
    loop.call_later(2, stop)
    assert loop.play(100, 10 * SECOND) is Pause.STOPPED
    assert loop.time() == 1.0


def test_cancelled_timers_do_not_pile_up(loop: SimLoop) -> None:
    kept = loop.call_later(5, lambda: None)
    for number in range(50_000):
        loop.call_later(10 + number, lambda: None).cancel()
    assert len(loop.scheduler.heap) < 3000
    assert (kept.cancelled(), kept.when()) == (False, 5.0)
    assert loop.play(10**6, 10**6 * SECOND) is Pause.IDLE
    assert loop.time() == 5.0


def test_a_timer_that_has_fired_may_be_cancelled(loop: SimLoop) -> None:
    timers = [loop.call_later(1, lambda: None) for _ in range(5000)]
    assert loop.play(10**6, 10 * SECOND) is Pause.IDLE
    for timer in timers:
        timer.cancel()
        timer.cancel()
    loop.call_later(1, lambda: None)
    assert loop.play(10**6, 10 * SECOND) is Pause.IDLE
    assert loop.time() == 2.0


@pytest.mark.parametrize("delay, later", [(0, 0), (-5, 0), (1e-12, 1), (1e-9, 1), (1.2e-9, 2), (0.1, 10**8)])
def test_a_delay_is_rounded_up_to_whole_nanoseconds(loop: SimLoop, delay: float, later: int) -> None:
    loop.call_later(delay, lambda: None)
    loop.play(100, 10 * SECOND)
    assert loop.scheduler.now == later


def test_a_time_just_ahead_is_not_now(loop: SimLoop) -> None:
    loop.call_later(1, lambda: None)
    loop.play(100, 10 * SECOND)
    loop.call_at(math.nextafter(1.0, 2.0), lambda: None)
    loop.play(100, 10 * SECOND)
    assert loop.scheduler.now == SECOND + 1


def test_an_infinite_delay_arms_nothing(loop: SimLoop) -> None:
    timer = loop.call_later(math.inf, lambda: None)
    loop.call_at(math.inf, lambda: None)
    assert (timer.when(), loop.play(100, 10 * SECOND)) == (math.inf, Pause.IDLE)
    timer.cancel()
    assert timer.cancelled()
    with pytest.raises(ValueError, match="NaN"):
        loop.call_later(math.nan, lambda: None)


@pytest.mark.parametrize("late", [1e15, 1e20, 1e300, sys.float_info.max, 10**400])
def test_what_is_due_in_ages_is_never_due(loop: SimLoop, late: float) -> None:
    loop.call_later(late, lambda: None)
    loop.call_at(late, lambda: None)
    assert loop.play(100, 10 * SECOND) is Pause.IDLE


@pytest.mark.parametrize("early", [-1e300, -math.inf, -sys.float_info.max])
def test_what_was_due_ages_ago_is_due_now(loop: SimLoop, early: float) -> None:
    seen: list[int] = []
    loop.call_later(early, seen.append, 1)
    loop.call_at(early, seen.append, 2)
    loop.play(100, 10 * SECOND)
    assert (seen, loop.scheduler.now) == ([1, 2], 0)


def test_spinning_ends_in_too_many_steps(loop: SimLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distbench.simulation.loop.STEP_LIMIT", 1000)

    def again() -> None:
        loop.call_soon(again)

    again()
    with pytest.raises(TooManySteps):
        loop.play(100, 10 * SECOND)
    loop._ready.clear()


def test_a_callback_that_raises_is_told_and_the_others_run(loop: SimLoop, told: list[dict[str, Any]]) -> None:
    seen: list[int] = []

    def fails() -> None:
        raise ValueError("callback")

    def cancels() -> None:
        raise asyncio.CancelledError

    for callback in (fails, cancels, lambda: seen.append(1)):
        loop.call_soon(callback)
    loop.play(100, SECOND)
    assert [type(each["exception"]).__name__ for each in told] == ["ValueError", "CancelledError"]
    assert seen == [1]


def test_a_task_can_be_run_to_its_end(loop: SimLoop) -> None:
    async def work(delay: float) -> str:
        await asyncio.sleep(delay)
        return "done"

    assert loop.run_to_end(loop.create_task(work(3))) == "done"
    assert loop.time() == 3.0
    with pytest.raises(asyncio.InvalidStateError):
        loop.run_to_end(loop.create_task(work(math.inf)))
    with pytest.raises(asyncio.InvalidStateError):
        loop.run_to_end(loop.create_task(work(5)), 0)


def test_a_closed_loop_has_nothing_left(told: list[dict[str, Any]]) -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("finally")

    with SimLoop(Scheduler(), told.append) as loop:  # type: ignore[abstract]
        assert asyncio.get_running_loop() is loop
        assert (loop.is_running(), loop.is_closed()) == (True, False)
        task = loop.create_task(waits())
        loop.call_later(5, ended.append, "timer")
        loop.play(0, SECOND)
    assert (loop.is_running(), loop.is_closed(), task.cancelled()) == (False, True, True)
    assert (ended, told, loop.tasks()) == (["finally"], [], [task])
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
