"""How runs end, and what is said of it, in every mode."""

from __future__ import annotations

import asyncio
import inspect
import math
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from distbench import (
    Algorithm,
    End,
    PeerDown,
    PeerId,
    RemoteError,
    RunResult,
    child_algorithm,
    config_field,
    distbench,
    handler,
)
from tests.contract.play import nodes

Run = Callable[..., RunResult]
N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))


def line(of: object, text: str) -> str:
    """``file.py:41``, where ``text`` stands in the source of a class."""
    lines, first = inspect.getsourcelines(of)  # type: ignore[arg-type]
    return f"{Path(__file__).name}:{first + next(n for n, one in enumerate(lines) if text in one)}"


# -------------------------------------------------- completed


def test_a_node_that_is_done_goes_on_answering(run: Run) -> None:
    @distbench
    class Answers(Algorithm):
        got = 0

        async def on_start(self) -> None:
            if self.id() == N1:
                await self.terminate()
                await self.peers[N2].go(None)

        @handler
        async def go(self, src: PeerId, msg: None) -> None:
            self.got = await self.peers[src].ask(20)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: int) -> int:
            return msg + 1

        async def report(self) -> dict[str, object]:
            return {"got": self.got}

    result = run(Answers, nodes(2))
    assert (result.outcome, result.exit_status) == ("completed", 0)
    assert result.reports[N2] == {"got": 21}
    assert [node.end for node in result.nodes.values()] == [End.TERMINATED] * 2


def test_exit_and_report_run_once_at_every_layer_the_upper_first(run: Run, tmp_path: Path) -> None:
    def note(algorithm: Algorithm, what: str) -> None:
        with (tmp_path / algorithm.id()).open("a") as file:
            file.write(f"{type(algorithm).__name__} {what}\n")

    @distbench
    class Lower(Algorithm):
        async def on_exit(self) -> None:
            note(self, "exits")

        async def report(self) -> dict[str, object]:
            note(self, "reports")
            return {}

    @distbench
    class Upper(Algorithm):
        lower: Lower = child_algorithm(Lower)

        async def on_start(self) -> None:
            await self.terminate()
            await self.terminate()

        async def on_exit(self) -> None:
            note(self, "exits")
            await asyncio.sleep(0.001)

        async def report(self) -> dict[str, object]:
            note(self, "reports")
            return {}

    assert run(Upper, nodes(3)).outcome == "completed"
    for node in (N1, N2, N3):
        assert (tmp_path / node).read_text().splitlines() == [
            "Upper exits",
            "Lower exits",
            "Upper reports",
            "Lower reports",
        ]


@pytest.mark.parametrize("way", ["sleep", "call_later", "task", "timeout"])
def test_a_timer_that_is_armed_keeps_a_run_going(run: Run, way: str) -> None:
    @distbench
    class Sleeps(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            if way == "sleep":
                await asyncio.sleep(0.1)
                await self.terminate()
            elif way == "task":
                self.task = loop.create_task(self.later())
            elif way == "timeout":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await asyncio.Event().wait()
                await self.terminate()
            else:
                loop.call_later(0.1, lambda: loop.create_task(self.terminate()))

        async def later(self) -> None:
            await asyncio.sleep(0.1)
            await self.terminate()

    assert run(Sleeps, nodes(2)).outcome == "completed"


@pytest.mark.real_modes
def test_a_job_of_an_executor_keeps_a_run_going(run: Run) -> None:
    @distbench
    class Works(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.work())

        async def work(self) -> None:
            await asyncio.to_thread(time.sleep, 0.15)
            await self.terminate()

    assert run(Works, nodes(2)).outcome == "completed"


@pytest.mark.real_modes
@pytest.mark.parametrize("way", ["thread", "pool"])
def test_a_thread_of_ones_own_keeps_a_run_going(run: Run, way: str) -> None:
    @distbench
    class Works(Algorithm):
        async def on_start(self) -> None:
            loop, future = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
            if way == "thread":
                self.thread = threading.Thread(target=self.work, args=(loop, future))
                self.thread.start()
                await future
            else:
                self.pool = ThreadPoolExecutor(1)
                await asyncio.wrap_future(self.pool.submit(time.sleep, 0.15))
            await self.terminate()

        def work(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
            time.sleep(0.15)
            loop.call_soon_threadsafe(future.set_result, None)

    assert run(Works, nodes(2)).outcome == "completed"


def test_work_that_is_handed_on_from_turn_to_turn_keeps_a_run_going(run: Run) -> None:
    @distbench
    class Hands(Algorithm):
        async def on_start(self) -> None:
            loop, future = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

            def step(left: int) -> None:
                if left:
                    loop.call_soon(step, left - 1)
                else:
                    future.set_result(None)

            loop.call_soon(step, 20_000)
            await future
            await self.terminate()

    assert run(Hands, nodes(2)).outcome == "completed"


@pytest.mark.real_modes
@pytest.mark.parametrize("way", ["server", "socket", "subprocess"])
def test_a_node_that_opened_something_of_its_own_is_never_idle(run: Run, way: str) -> None:
    @distbench
    class Opens(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            if way == "server":
                self.kept: object = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
            elif way == "socket":
                one, self.kept = socket.socketpair()
                one.setblocking(False)
                await loop.sock_recv(one, 1)
            else:
                self.kept = await asyncio.create_subprocess_exec("true")

    result = run(Opens, nodes(2), duration=0.4)
    assert (result.outcome, result.reason) == ("completed", "the duration was reached")


def test_a_duration_ends_an_endless_run_as_completed(run: Run) -> None:
    @distbench
    class Endless(Algorithm):
        ticks = 0

        async def on_start(self) -> None:
            while True:
                await asyncio.sleep(0.01)
                self.ticks += 1

        async def report(self) -> dict[str, object]:
            return {"ticked": self.ticks > 0}

    result = run(Endless, nodes(2), duration=0.3)
    assert (result.outcome, result.exit_status, result.reason) == ("completed", 0, "the duration was reached")
    assert [report["ticked"] for report in result.reports.values()] == [True, True]
    assert [node.end for node in result.nodes.values()] == [End.RUNNING] * 2


def test_a_time_limit_ends_a_run_with_its_own_status(run: Run) -> None:
    @distbench
    class Endless(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.terminate()
            while True:
                await asyncio.sleep(0.01)

    result = run(Endless, nodes(2), timeout=0.3)
    assert (result.outcome, result.exit_status) == ("timeout", 3)
    assert result.reason == "the time limit (--timeout) was reached"
    assert result.never_terminated == (N2,)


# -------------------------------------------------- quiescent and stuck


def test_a_run_in_which_nothing_can_happen_any_more_is_quiescent(run: Run) -> None:
    @distbench
    class HalfDone(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                assert await self.peers[N2].ask(3) == 0
                await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: int) -> int:
            return 0 if msg == 0 else await self.peers[src].ask(msg - 1)

    result = run(HalfDone, nodes(3))
    assert (result.outcome, result.exit_status) == ("quiescent", 0)
    assert result.never_terminated == (N2, N3)
    assert result.in_transit == 0
    assert result.suspended == ()


@pytest.mark.parametrize("way", ["sleep", "timer", "cancelled", "wait_for", "task"])
def test_a_run_is_quiescent_after_its_timers_too(run: Run, way: str) -> None:
    @distbench
    class Pauses(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            if way == "sleep":
                await asyncio.sleep(0.06)
            elif way == "timer":
                loop.call_later(0.06, loop.time)
            elif way == "cancelled":
                timer = loop.call_later(1000, loop.time)
                loop.call_later(0.06, timer.cancel)
            elif way == "wait_for":
                await asyncio.wait_for(asyncio.sleep(0.06), 1000)
            else:
                self.task = asyncio.create_task(asyncio.sleep(0.06))

    assert run(Pauses, nodes(2), timeout=10).outcome == "quiescent"


def test_a_task_in_the_background_that_waits_is_only_listed(run: Run) -> None:
    @distbench
    class Listens(Algorithm):
        async def on_start(self) -> None:
            self.queue: asyncio.Queue[int] = asyncio.Queue()
            self.task = asyncio.create_task(self.listen())
            for peer in self.peers.values():
                await peer.hear(1)

        async def listen(self) -> None:
            while True:
                await self.queue.get()

        @handler
        async def hear(self, src: PeerId, msg: int) -> None:
            self.queue.put_nowait(msg)

    result = run(Listens, nodes(2))
    assert (result.outcome, result.exit_status) == ("quiescent", 0)
    assert [(one.node, one.background, one.where, one.waits_for) for one in result.suspended] == [
        (node, True, line(Listens, "queue.get"), "await self.queue.get()") for node in (N1, N2)
    ]
    assert all("listen" in one.name for one in result.suspended)


def test_what_waits_for_the_end_of_time_keeps_no_run_going(run: Run) -> None:
    @distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.wait())
            asyncio.get_running_loop().call_later(math.inf, print)

        async def wait(self) -> None:
            async with asyncio.timeout(math.inf):
                await asyncio.Event().wait()

    assert run(Waits, nodes(1)).outcome == "quiescent"


def test_a_run_is_stuck_when_a_handler_waits_for_ever(run: Run) -> None:
    @distbench
    class Stuck(Algorithm):
        async def on_start(self) -> None:
            self.event = asyncio.Event()
            if self.id() == N1:
                await self.peers[N2].ask(1)

        @handler
        async def ask(self, src: PeerId, msg: int) -> int:
            await self.event.wait()
            return msg

    result = run(Stuck, nodes(2))
    assert (result.outcome, result.exit_status) == ("stuck", 1)
    assert [(one.node, one.name, one.where, one.waits_for, one.background) for one in result.suspended] == [
        (N1, "on_start", line(Stuck, ".ask(1)"), "the reply of n2 to ask", False),
        (N2, "ask", line(Stuck, "event.wait()"), "await self.event.wait()", False),
    ]


def test_a_node_that_waits_for_its_turn_is_not_taken_for_idle(run: Run) -> None:
    """What one callback hands to the next shows in no task."""

    @distbench
    class Spins(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.spin())

        async def spin(self) -> None:
            for _ in range(2000):
                await asyncio.gather(asyncio.gather(self.turn(), self.turn()), self.turn())
            await self.terminate()

        async def turn(self) -> None:
            await asyncio.sleep(0)

    assert run(Spins, nodes(3)).outcome == "completed"


# -------------------------------------------------- failures


def test_a_handler_that_raises_fails_its_node_and_is_told_to_the_caller(run: Run) -> None:
    @distbench
    class Raises(Algorithm):
        said: str | None = None

        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await self.peers[N2].ask(7)
                except RemoteError as error:
                    self.said = f"{error.node} {error.handler} {error.exception}"
                await self.peers[N2].tell("after")
                await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: int) -> int:
            raise ValueError(f"not {msg}")

        @handler
        async def tell(self, src: PeerId, msg: str) -> None:
            await asyncio.sleep(0)
            await self.terminate()
            raise LookupError(msg)

        async def report(self) -> dict[str, object]:
            return {"said": self.said}

    result = run(Raises, nodes(2))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert result.reports[N1] == {"said": "n2 ask ValueError: not 7"}
    assert [(node.end) for node in result.nodes.values()] == [End.TERMINATED, End.FAILED]
    assert [(one.node, one.handler, one.message, one.exception) for one in result.failures] == [
        (N2, "ask", "7 from n1", "ValueError: not 7"),
        (N2, "tell", "'after' from n1", "LookupError: after"),
    ]
    assert line(Raises, "raise ValueError").replace(":", '", line ') in result.failures[0].traceback
    assert "distbench/node" not in result.failures[0].traceback


def test_a_node_whose_start_raises_is_gone(run: Run) -> None:
    @distbench
    class Crashes(Algorithm):
        def __init__(self) -> None:
            self.said: list[str] = []

        async def on_start(self) -> None:
            if self.id() == N2:
                await self.peers[N1].started(None)
                await asyncio.sleep(0.05)
                raise RuntimeError("no ground")

        @handler
        async def started(self, src: PeerId, msg: None) -> None:
            for _ in range(2):  # one call that is under way, and one after
                try:
                    await self.peers[N2].ask(1)
                except PeerDown as error:
                    self.said.append(str(error))
            await self.peers[N2].tell(1)
            await self.peers[N3].finish(None)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: int) -> int:
            await asyncio.Event().wait()
            return 1

        @handler
        async def tell(self, src: PeerId, msg: int) -> None:
            pass

        @handler
        async def finish(self, src: PeerId, msg: None) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return {"said": self.said}

    result = run(Crashes, nodes(3))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert [node.end for node in result.nodes.values()] == [End.TERMINATED, End.CRASHED, End.TERMINATED]
    assert [(one.node, one.handler, one.exception) for one in result.failures] == [
        (N2, "on_start", "RuntimeError: no ground")
    ]
    assert result.reports[N1] == {"said": ["n2 has crashed", "n2 has crashed"]}
    assert N2 not in result.reports or result.reports[N2] == {}
    assert result.nodes[N1].dropped == {"n2 has crashed": 1}


def test_a_node_that_cannot_be_made_is_gone(run: Run) -> None:
    @distbench
    class Broken(Algorithm):
        def __init__(self) -> None:
            if self.id() == N2:
                raise ValueError("no hands")

        async def on_start(self) -> None:
            await self.terminate()

    result = run(Broken, nodes(3))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert [node.end for node in result.nodes.values()] == [End.TERMINATED, End.CRASHED, End.TERMINATED]
    assert [(one.node, one.handler, one.exception) for one in result.failures] == [
        (N2, "__init__", "ValueError: no hands")
    ]


def test_a_handler_that_wants_to_exit_only_fails_its_node(run: Run) -> None:
    @distbench
    class Exits(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                with pytest.raises(RemoteError, match="ask at n2 raised SystemExit: 4"):
                    await self.peers[N2].ask(0)
                with pytest.raises(RemoteError, match="ask at n2 raised SystemExit: 4"):
                    await self.peers[N2].ask(1)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, turns: int) -> int:
            for _ in range(turns):
                await asyncio.sleep(0.001)
            raise SystemExit(4)

    result = run(Exits, nodes(2))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert [one.exception for one in result.failures] == ["SystemExit: 4"] * 2


def test_a_failure_in_the_background_fails_the_node_even_if_nobody_looks(run: Run) -> None:
    @distbench
    class Background(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                self.kept = asyncio.create_task(self.fail("kept"))
                asyncio.get_running_loop().call_soon(self.callback)
            await asyncio.sleep(0.02)
            await self.terminate()

        async def fail(self, name: str) -> None:
            raise RuntimeError(name)

        def callback(self) -> None:
            raise RuntimeError("callback")

    result = run(Background, nodes(2))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert sorted(one.exception for one in result.failures) == ["RuntimeError: callback", "RuntimeError: kept"]
    assert {one.node for one in result.failures} == {N1}


def test_an_exception_of_half_a_character_reaches_the_caller_and_the_summary(run: Run) -> None:
    text = "no file caf\udce9.txt"

    @distbench
    class Fails(Algorithm):
        heard: str = ""

        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await self.peers[N2].ask(1)
                except RemoteError as error:
                    self.heard = error.exception
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            raise ValueError(text)

        async def report(self) -> dict[str, object]:
            return {"heard": self.heard, "text": text}

    result = run(Fails, nodes(2))
    escaped = "no file caf\\udce9.txt"
    assert result.reports[N1] == {"heard": f"ValueError: {escaped}", "text": escaped}
    (failure,) = result.failures
    assert failure.exception == f"ValueError: {escaped}"


def test_a_report_is_the_same_whatever_it_holds(run: Run) -> None:
    @distbench
    class Reports(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return {"large": 2**100, "votes": {("n1", 1): True, None: 2}}

    result = run(Reports, nodes(1))
    assert result.exit_status == 0
    assert result.reports[N1] == {"large": str(2**100), "votes": {"('n1', 1)": True, "None": 2}}


def test_a_report_that_contains_itself_fails_its_node_alone(run: Run) -> None:
    @distbench
    class Ties(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            knot: dict[str, object] = {}
            knot["again"] = knot
            return knot if self.id() == N1 else {"fine": True}

    result = run(Ties, nodes(2))
    assert [(each.node, each.handler) for each in result.failures] == [("n1", "report")]
    assert "contain themselves" in result.failures[0].exception
    assert (result.ended, result.reports[N2]) == ("completed", {"fine": True})


@pytest.mark.parametrize("hook", ["on_exit", "report", "answer"])
def test_a_hook_that_raises_at_the_end_fails_its_node_alone(run: Run, hook: str) -> None:
    @distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            if hook == "on_exit" and self.id() == N2:
                raise ValueError("at the end")

        async def report(self) -> dict[str, object]:
            if hook == "report" and self.id() == N2:
                raise ValueError("at the end")
            if hook == "answer" and self.id() == N2:
                return ["no", "dictionary"]  # type: ignore[return-value]
            return {"fine": True}

    result = run(Raises, nodes(3))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert [(one.node, one.handler) for one in result.failures] == [(N2, "on_exit" if hook == "on_exit" else "report")]
    assert result.reports[N1] == result.reports[N3] == {"fine": True}


def test_a_start_that_goes_on_until_the_exit_may_raise_there(run: Run) -> None:
    @distbench
    class Late(Algorithm):
        async def on_start(self) -> None:
            self.event = asyncio.Event()
            await self.terminate()
            await self.event.wait()
            raise RuntimeError("late")

        async def on_exit(self) -> None:
            self.event.set()
            await asyncio.sleep(0.01)

        async def report(self) -> dict[str, object]:
            return {"fine": True}

    result = run(Late, nodes(2))
    assert result.ended == "completed"
    assert {(one.handler, one.exception) for one in result.failures} == {("on_start", "RuntimeError: late")}
    assert result.reports == {N1: {"fine": True}, N2: {"fine": True}}


def test_messages_in_transit_at_the_end_are_counted_and_not_delivered(run: Run) -> None:
    @distbench
    class Floods(Algorithm):
        heard = 0
        start_node: bool = config_field(default=False)

        async def on_start(self) -> None:
            if not self.start_node:
                await self.terminate()
                return
            await asyncio.sleep(0.2)  # so that the other is done
            for number in range(100):
                await self.peers[N2].hear(number)
            await self.terminate()

        @handler
        async def hear(self, src: PeerId, msg: int) -> None:
            self.heard += 1

        async def report(self) -> dict[str, object]:
            return {"heard": self.heard}

    result = run(Floods, {"n1": {"start_node": True}, "n2": {}}, latency="3000")
    assert result.outcome == "completed"
    assert (result.reports[N2], result.in_transit) == ({"heard": 0}, 100)


def test_time_begins_when_the_nodes_start(run: Run) -> None:
    @distbench
    class Looks(Algorithm):
        async def on_start(self) -> None:
            self.began = self.now()
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return {"began": self.began}

    result = run(Looks, nodes(2), startup_delay=0.5)
    times = [report["began"] for report in result.reports.values()]
    assert all(isinstance(began, float) and began < 0.5 for began in times)
    if result.mode == "offline":
        assert (times, result.virtual_time) == ([0.0, 0.0], 0.0)
    else:
        assert result.wall_time - result.virtual_time > 0.5
