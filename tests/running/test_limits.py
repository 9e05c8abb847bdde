"""Limits of time, events and steps, Ctrl-C, and what virtual time is."""

from __future__ import annotations

import asyncio
import contextvars
import math
import signal
from typing import Any

import pytest

import distbench
from distbench import Algorithm, ConfigError, Outcome, PeerId, RunResult, handler
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.events import Drawn, Event, Sent, Terminated, TimerFired
from distbench.running.offline import run_offline
from distbench.running.options import RunOptions
from distbench.simulation import loop as simulation_loop

ONE: dict[str, dict[str, object]] = {"n1": {}}
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
N1, N2 = PeerId("n1"), PeerId("n2")


class _Forever(Algorithm):
    async def on_start(self) -> None:
        while True:
            await asyncio.sleep(1)


@distbench.distbench
class Forever(_Forever):
    """Never ends."""


@pytest.mark.parametrize(
    "options, outcome, status, time, reason",
    [
        ({}, Outcome.TIMEOUT, 3, 3600.0, "timeout"),
        ({"timeout": 7.5}, Outcome.TIMEOUT, 3, 7.5, "timeout"),
        ({"duration": 5.0}, Outcome.COMPLETED, 0, 5.0, "duration"),
        ({"duration": 5.0, "timeout": 5.0}, Outcome.COMPLETED, 0, 5.0, "duration"),
        ({"duration": 9.0, "timeout": 5.0}, Outcome.TIMEOUT, 3, 5.0, "timeout"),
        ({"duration": 5000.0}, Outcome.TIMEOUT, 3, 3600.0, "timeout"),
        ({"max_events": 100}, Outcome.TIMEOUT, 3, 50.0, "max-events"),
        ({"duration": 5.0, "startup_delay": 2.0}, Outcome.COMPLETED, 0, 5.0, "duration"),
    ],
)
def test_an_endless_run_ends_at_its_limit(
    options: dict[str, Any], outcome: Outcome, status: int, time: float, reason: str
) -> None:
    result = distbench.run(Forever, TWO, **options)
    assert (result.outcome, result.exit_status, result.virtual_time) == (outcome, status, time)
    assert reason in result.reason


def test_what_is_due_at_the_limit_itself_still_happens() -> None:
    seen: list[float] = []

    @distbench.distbench
    class Ticks(Algorithm):
        async def on_start(self) -> None:
            while True:
                await asyncio.sleep(1)
                seen.append(self.now())

    distbench.run(Ticks, ONE, duration=3.0)
    assert seen == [1.0, 2.0, 3.0]


def test_an_endless_chain_of_messages_is_bounded_by_max_events() -> None:
    @distbench.distbench
    class Bounces(Algorithm):
        async def on_start(self) -> None:
            await self.peers[N2 if self.id() == N1 else N1].bounce(1)

        @handler
        async def bounce(self, src: PeerId, number: int) -> None:
            await self.peers[src].bounce(number)

    result = distbench.run(Bounces, TWO, max_events=1000)
    assert (result.outcome, result.deliveries, result.in_transit) == (Outcome.TIMEOUT, 1000, 2)


def test_spinning_at_one_instant_is_stopped_and_the_busy_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation_loop, "STEP_LIMIT", 5_000)

    @distbench.distbench
    class Spins(Algorithm):
        async def on_start(self) -> None:
            while self.id() != N2:
                await asyncio.sleep(0)
            await asyncio.sleep(1)

        async def report(self) -> dict[str, object]:
            return {"reported": True}

    result = distbench.run(Spins, {"n1": {}, "n2": {}, "n3": {}})
    assert (result.outcome, result.exit_status, result.virtual_time) == (Outcome.TIMEOUT, 3, 0.0)
    assert "5,000 steps" in result.reason
    assert result.reason.endswith("busy: n1, n3")
    assert list(result.reports) == ["n1", "n2", "n3"]


@pytest.mark.parametrize("how", ["call_soon", "call_later", "tasks", "zero timeouts"])
def test_there_are_many_ways_to_spin(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation_loop, "STEP_LIMIT", 5_000)

    @distbench.distbench
    class Spins(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            match how:
                case "call_soon":
                    loop.call_soon(self.again)
                case "call_later":
                    loop.call_later(0, self.again_later)
                case "tasks":
                    while True:
                        await asyncio.create_task(asyncio.sleep(0))
                case "zero timeouts":
                    while True:
                        try:
                            async with asyncio.timeout(0):
                                await asyncio.Event().wait()
                        except TimeoutError:
                            pass

        def again(self) -> None:
            asyncio.get_running_loop().call_soon(self.again)

        def again_later(self) -> None:
            asyncio.get_running_loop().call_later(0, self.again_later)

    result = distbench.run(Spins, ONE)
    assert (result.outcome, result.virtual_time) == (Outcome.TIMEOUT, 0.0)
    assert result.reason.endswith("busy: n1")


def test_many_steps_are_fine_while_messages_arrive_or_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation_loop, "STEP_LIMIT", 1_000)

    @distbench.distbench
    class Busy(Algorithm):
        async def on_start(self) -> None:
            for _ in range(20):
                for _ in range(300):
                    await asyncio.sleep(0)
                await asyncio.sleep(1e-9)
            (peer,) = self.peers.values()
            for number in range(30):  # several of them arrive at one instant
                await peer.work(number)

        @handler
        async def work(self, src: PeerId, number: int) -> None:
            for _ in range(300):
                await asyncio.sleep(0)

    result = distbench.run(Busy, TWO, latency="0")
    assert result.outcome is Outcome.QUIESCENT


# -------------------------------------------------- in transit, interrupted


def test_messages_in_transit_at_the_end_are_counted_and_not_delivered() -> None:
    events: list[Event] = []

    def hears(event: Event) -> None:
        events.append(event)

    @distbench.distbench
    class Parting(Algorithm):
        heard: int = 0

        async def on_start(self) -> None:
            for number in range(5):
                for peer in self.peers.values():
                    await peer.tell(number)
            await self.terminate()

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            self.heard += 1

        async def on_exit(self) -> None:
            await asyncio.sleep(5)

    config = config_from_mapping({"n1": {}, "n2": {}, "n3": {}})
    result = run_offline(define(Parting), config, RunOptions(), sink=hears)
    assert {type(event) for event in events} == {Sent, Drawn, Terminated, TimerFired}
    assert (result.outcome, result.in_transit, result.deliveries) == (Outcome.COMPLETED, 30, 0)
    assert sum(node.messages_out for node in result.nodes.values()) == 30
    assert [vars(each).get("heard", 0) for each in result.algorithms.values()] == [0, 0, 0]


@pytest.mark.parametrize("where", ["on_start", "handler", "waited", "task", "callback", "signal"])
def test_ctrl_c_ends_a_run_with_reports(where: str) -> None:
    @distbench.distbench
    class Interrupted(Algorithm):
        async def on_start(self) -> None:
            if self.id() != N1:
                return
            match where:
                case "on_start":
                    raise KeyboardInterrupt
                case "handler" | "waited":
                    await self.peers[N2].interrupt(1)
                case "task":
                    self.task = asyncio.create_task(self.interrupts())
                case "callback":
                    asyncio.get_running_loop().call_later(1, self.interrupts_now)
                case "signal":
                    contextvars.Context().run(signal.raise_signal, signal.SIGINT)  # from outside of the step

        async def interrupts(self) -> None:
            raise KeyboardInterrupt

        def interrupts_now(self) -> None:
            raise KeyboardInterrupt

        @handler
        async def interrupt(self, src: PeerId, number: int) -> None:
            if where == "waited":
                await asyncio.sleep(1)
            raise KeyboardInterrupt

        async def report(self) -> dict[str, object]:
            return {"reported": self.id()}

    result = distbench.run(Interrupted, TWO)
    assert (result.outcome, result.exit_status) == (Outcome.INTERRUPTED, 130)
    assert result.reports == {"n1": {"reported": "n1"}, "n2": {"reported": "n2"}}
    assert result.failures == ()
    assert result.suspended == ()


def test_ctrl_c_while_nodes_leave_interrupts_as_well() -> None:
    @distbench.distbench
    class Interrupted(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            if self.id() == N2:
                raise KeyboardInterrupt

    result = distbench.run(Interrupted, TWO)
    assert (result.outcome, result.exit_status) == (Outcome.INTERRUPTED, 130)


# -------------------------------------------------- time


def test_time_is_virtual_and_costs_nothing() -> None:
    @distbench.distbench
    class Sleeps(Algorithm):
        async def on_start(self) -> None:
            await asyncio.sleep(1800)
            await self.terminate()

    result = distbench.run(Sleeps, ONE)
    assert (result.virtual_time, result.outcome) == (1800.0, Outcome.COMPLETED)


def test_a_message_takes_one_to_ten_milliseconds() -> None:
    def times(result: RunResult) -> list[float]:
        return list(vars(result.algorithms[N2])["times"])

    @distbench.distbench
    class Timed(Algorithm):
        async def on_start(self) -> None:
            self.times: list[float] = []
            if self.id() == N1:
                for number in range(50):
                    await asyncio.sleep(1)
                    await self.peers[N2].tell(number)

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            self.times.append(round(self.now() - 1 - number, 9))

    found = times(distbench.run(Timed, TWO))
    assert 0.001 <= min(found) < 0.003
    assert 0.008 < max(found) <= 0.01
    constant = times(distbench.run(Timed, TWO, latency="20"))
    assert all(0.02 <= each < 0.020001 for each in constant)
    assert all(each < 0.000001 for each in times(distbench.run(Timed, TWO, latency="0")))


def test_every_clock_agrees() -> None:
    import datetime
    import time

    @distbench.distbench
    class Clocks(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            for delay in (0.25, 3.75):
                await asyncio.sleep(delay)
                now, began = self.now(), 1577836800  # the first of January 2020
                assert now == loop.time() == time.monotonic()
                wall = time.time() - began, time.time_ns() / 1e9 - began
                today = datetime.datetime.now(datetime.UTC).timestamp() - began
                read = [*wall, today, time.perf_counter(), time.monotonic_ns() / 1e9]
                assert read == pytest.approx([now + number / 1e6 for number in range(1, 6)], abs=5e-7)
                assert self.now() == now
                assert loop.time() == pytest.approx(now + 5e-6, abs=1e-9)
            assert round(now * 1e9) == 4_000_005_000  # a sleep begins at the last reading
            await self.terminate()

    result = distbench.run(Clocks, ONE)
    assert (result.failures, result.outcome) == ((), Outcome.COMPLETED)


def test_timers_at_one_time_fire_in_the_order_in_which_they_were_armed() -> None:
    seen: list[int] = []

    @distbench.distbench
    class Arms(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            when = loop.time() + 1
            for number in range(20):
                loop.call_at(when, seen.append, number)

    distbench.run(Arms, ONE)
    assert seen == list(range(20))


@pytest.mark.parametrize("name", ["timeout", "duration", "startup_delay"])
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e10, 1e300, 10**400, -1])
def test_no_time_is_beyond_what_a_clock_counts(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{name} .* cannot be used: it must be a number, .* at most 1,000,000,000"):
        RunOptions(**dict[str, Any]({name: value}))
