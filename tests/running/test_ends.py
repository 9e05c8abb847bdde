"""How a run ends, and what its result says of it."""

from __future__ import annotations

import asyncio
import inspect
import math
import signal
from contextlib import asynccontextmanager
from typing import Any

import pytest

import distbench
from distbench import Algorithm, End, Outcome, PeerId, RunResult, handler
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.events import Drawn, Event, Sent, Terminated, TimerFired
from distbench.running.offline import run_offline
from distbench.running.options import RunOptions
from distbench.simulation import loop as simulation_loop

ONE: dict[str, dict[str, object]] = {"n1": {}}
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
N1, N2 = PeerId("n1"), PeerId("n2")


def here() -> int:
    """The caller's line."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


# -------------------------------------------------- completed, quiescent


def test_a_run_is_completed_when_every_node_has_terminated() -> None:
    @distbench.distbench
    class Ends(Algorithm):
        async def on_start(self) -> None:
            await asyncio.sleep(1 if self.id() == N1 else 2)
            await self.terminate()
            await asyncio.sleep(0.5)
            await self.terminate()

    result = distbench.run(Ends, TWO)
    assert (result.outcome, result.exit_status, result.virtual_time) == (Outcome.COMPLETED, 0, 2.0)
    assert {node: (each.end, each.elapsed_time) for node, each in result.nodes.items()} == {
        "n1": (End.TERMINATED, 1.0),
        "n2": (End.TERMINATED, 2.0),
    }
    assert result.never_terminated == ()


def test_a_node_that_has_terminated_goes_on_answering() -> None:
    @distbench.distbench
    class Answers(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.terminate()
                return
            await asyncio.sleep(1)
            assert await self.peers[N1].ask(4) == 4
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return number

    result = distbench.run(Answers, TWO)
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)
    assert result.nodes[N1].elapsed_time == 0.0


def test_a_childs_terminate_ends_only_its_layer() -> None:
    @distbench.distbench
    class Child(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

    @distbench.distbench
    class Parent(Algorithm):
        child: Child = distbench.child_algorithm(Child)

    result = distbench.run(Parent, ONE)
    assert (result.outcome, result.never_terminated) == (Outcome.QUIESCENT, ("n1",))


def test_a_quiescent_run_ends_at_once_and_names_who_never_terminated() -> None:
    @distbench.distbench
    class Talks(Algorithm):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                await peer.tell(1)
            if self.id() == N1:
                await self.terminate()

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            pass

    result = distbench.run(Talks, {"n1": {}, "n2": {}, "n3": {}})
    assert (result.outcome, result.exit_status) == (Outcome.QUIESCENT, 0)
    assert result.never_terminated == ("n2", "n3")
    assert result.virtual_time < 0.1
    assert [result.nodes[PeerId(node)].end for node in ("n1", "n2")] == [End.TERMINATED, End.RUNNING]


def test_an_armed_timer_keeps_a_run_going() -> None:
    @distbench.distbench
    class Later(Algorithm):
        async def on_start(self) -> None:
            asyncio.get_running_loop().call_later(100, lambda: None)

    result = distbench.run(Later, ONE)
    assert (result.outcome, result.virtual_time) == (Outcome.QUIESCENT, 100.0)


def test_a_cancelled_timer_does_not() -> None:
    @distbench.distbench
    class Later(Algorithm):
        async def on_start(self) -> None:
            for delay in range(3000):
                asyncio.get_running_loop().call_later(100 + delay, lambda: None).cancel()
            async with asyncio.timeout(50):
                await asyncio.sleep(1)

    result = distbench.run(Later, ONE)
    assert (result.outcome, result.virtual_time) == (Outcome.QUIESCENT, 1.0)


def test_a_background_task_that_waits_for_ever_is_only_listed() -> None:
    lines: list[int] = []

    @distbench.distbench
    class Background(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.listens())

        async def listens(self) -> None:
            queue: asyncio.Queue[int] = asyncio.Queue()
            lines.append(here() + 1)
            await queue.get()

    result = distbench.run(Background, ONE)
    assert (result.outcome, result.exit_status) == (Outcome.QUIESCENT, 0)
    (suspended,) = result.suspended
    assert (suspended.node, suspended.background) == ("n1", True)
    assert suspended.name.endswith("Background.listens")
    assert suspended.where == f"test_ends.py:{lines[0]}"
    assert suspended.waits_for == "await queue.get()"


# -------------------------------------------------- stuck


def test_a_stuck_run_names_each_handler_with_its_line_and_what_it_waits_for() -> None:
    lines: dict[str, int] = {}

    @distbench.distbench
    class Stuck(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                lines["on_start"] = here() + 1
                await self.peers[N2].never(1)

        @handler
        async def never(self, src: PeerId, number: int) -> int:
            await asyncio.sleep(0)
            await self.deeper()
            return number

        async def deeper(self) -> None:
            event = asyncio.Event()
            lines["never"] = here() + 1
            await event.wait()

    result = distbench.run(Stuck, TWO)
    assert (result.outcome, result.exit_status) == (Outcome.STUCK, 1)
    assert [(each.node, each.name, each.where, each.waits_for, each.background) for each in result.suspended] == [
        ("n1", "on_start", f"test_ends.py:{lines['on_start']}", "the reply of n2 to never", False),
        ("n2", "never", f"test_ends.py:{lines['never']}", "await event.wait()", False),
    ]


@pytest.mark.parametrize(
    "wait",
    [
        lambda: asyncio.Event().wait(),
        lambda: asyncio.Queue[int]().get(),
        lambda: asyncio.get_running_loop().create_future(),
        lambda: asyncio.Barrier(2).wait(),
        lambda: asyncio.gather(asyncio.Event().wait(), asyncio.Event().wait()),
        lambda: asyncio.wait([asyncio.create_task(asyncio.Event().wait())]),
        lambda: asyncio.shield(asyncio.Event().wait()),
        lambda: asyncio.sleep(math.inf),
    ],
)
def test_whatever_a_handler_waits_for_its_line_is_named(wait: Any) -> None:
    lines: list[int] = []

    @distbench.distbench
    class Stuck(Algorithm):
        async def on_start(self) -> None:
            lines.append(here() + 1)
            await wait()

    result = distbench.run(Stuck, ONE)
    assert result.outcome is Outcome.STUCK
    hook = next(each for each in result.suspended if not each.background)
    assert (hook.name, hook.where, hook.waits_for) == ("on_start", f"test_ends.py:{lines[0]}", "await wait()")
    assert result.virtual_time == 0.0


def test_a_handler_in_a_task_group_or_a_generator_is_found_where_it_waits() -> None:
    lines: dict[str, int] = {}

    @distbench.distbench
    class Stuck(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                lines["n1"] = here() + 1
                async with asyncio.TaskGroup() as group:
                    group.create_task(asyncio.Event().wait())
            elif self.id() == N2:
                async for _ in self.yields():
                    pass
            else:
                async with self.manages():
                    pass

        async def yields(self) -> Any:
            yield 1
            lines["n2"] = here() + 1
            await asyncio.Event().wait()

        @asynccontextmanager
        async def manages(self) -> Any:
            lines["n3"] = here() + 1
            await asyncio.Event().wait()
            yield

    result = distbench.run(Stuck, {"n1": {}, "n2": {}, "n3": {}})
    assert {each.node: each.where for each in result.suspended if not each.background} == {
        node: f"test_ends.py:{line}" for node, line in lines.items()
    }


def test_a_childs_hook_is_named_by_its_path() -> None:
    @distbench.distbench
    class Child(Algorithm):
        async def on_start(self) -> None:
            await asyncio.Event().wait()

    @distbench.distbench
    class Parent(Algorithm):
        child: Child = distbench.child_algorithm(Child)

    (suspended,) = distbench.run(Parent, ONE).suspended
    assert suspended.name == "child.on_start"


def test_a_node_that_crashed_does_not_make_a_run_stuck() -> None:
    @distbench.distbench
    class Crashes(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await asyncio.sleep(1)
                raise ValueError("crash")
            await self.peers[N1].hang(1)

        @handler
        async def hang(self, src: PeerId, number: int) -> None:
            await asyncio.Event().wait()

    result = distbench.run(Crashes, TWO)
    assert (result.outcome, result.suspended, result.exit_status) == (Outcome.QUIESCENT, (), 1)


# -------------------------------------------------- limits


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
        ({"duration": 5.0, "startup_delay": 2.0}, Outcome.COMPLETED, 0, 7.0, "duration"),
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
                    signal.raise_signal(signal.SIGINT)

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
            for delay in (0.25, 1e-9, 3.75):
                await asyncio.sleep(delay)
                now = self.now()
                assert now == loop.time() == time.time() == time.monotonic() == time.perf_counter()
                assert time.time_ns() == time.monotonic_ns() == round(now * 1e9)
                assert datetime.datetime.now(datetime.UTC).timestamp() == pytest.approx(now, abs=1e-6)
            assert round(now * 1e9) == 4_000_000_001
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
