"""What an algorithm does to its loop and to all tasks reaches its own node's, alike in every mode."""

from __future__ import annotations

import asyncio
import asyncio.tasks
from asyncio import all_tasks
from collections.abc import Callable
from typing import Any

import pytest

from distbench import Algorithm, End, PeerId, RunResult, config_field, distbench, handler
from tests.contract.play import nodes

MANY_CASES = True

Run = Callable[..., RunResult]
N1, N2 = PeerId("n1"), PeerId("n2")

LISTINGS: dict[str, Callable[[], set[Any]]] = {
    "asyncio": lambda: asyncio.all_tasks(),
    "bound before": lambda: all_tasks(),
    "asyncio.tasks": lambda: asyncio.tasks.all_tasks(),
    "by loop": lambda: asyncio.all_tasks(asyncio.get_running_loop()),
    "by loop, bound before": lambda: all_tasks(loop=asyncio.get_event_loop()),
}


@distbench
class Sweeps(Algorithm):
    """Lists and cancels all tasks but its own, at every moment of its life; then the two talk as before."""

    way: str = config_field(default="asyncio")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[str]] = []
        self.cancelled: list[str] = []
        self.other_begun = asyncio.Event()

    def sweep(self) -> None:
        current = asyncio.current_task()
        tasks = LISTINGS[self.way]()
        assert current in tasks
        self.seen.append(sorted(task.get_coro().cr_code.co_name for task in tasks))
        for task in tasks:
            if task is not current:
                task.cancel()

    async def lasts(self) -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            self.cancelled.append("lasts")
            raise

    async def on_start(self) -> None:
        self.sweep()
        self.mine = asyncio.create_task(self.lasts())
        await asyncio.sleep(0)
        self.sweep()
        if self.id() == N2:
            await self.peers[N1].begun(None)  # a question that came sooner would cancel what has not begun
        asyncio.get_running_loop().call_soon(self.look)
        await asyncio.sleep(0.001)
        if self.id() == N1:
            await self.other_begun.wait()
            assert await self.peers[N2].ask(1) == 2
            await self.peers[N2].finish(None)
            await self.terminate()

    def look(self) -> None:
        self.seen.append(sorted(task.get_coro().cr_code.co_name for task in LISTINGS[self.way]()))

    @handler
    async def ask(self, src: PeerId, msg: int) -> int:
        self.sweep()
        await asyncio.sleep(0.001)
        self.sweep()
        return msg + 1

    @handler
    async def begun(self, src: PeerId, msg: None) -> None:
        self.other_begun.set()

    @handler
    async def finish(self, src: PeerId, msg: None) -> None:
        await self.terminate()

    async def on_exit(self) -> None:
        self.sweep()

    async def report(self) -> dict[str, object]:
        return {"seen": self.seen, "cancelled": self.cancelled}


@pytest.mark.parametrize("way", LISTINGS)
def test_a_node_lists_and_cancels_its_own_tasks_only(run: Run, way: str) -> None:
    result = run(Sweeps, nodes(2, way=way))
    assert (result.ended, result.exit_status) == ("completed", 0)
    assert result.reports[N1]["cancelled"] == result.reports[N2]["cancelled"] == ["lasts"]
    start = [["on_start"], ["lasts", "on_start"], ["on_start"]]
    assert result.reports[N1]["seen"] == [*start, ["leave"]]
    seen = result.reports[N2]["seen"]
    assert isinstance(seen, list)
    assert [one for one in seen if "ask" not in one] in ([*start, ["leave"]], [*start[:2], ["leave"]])
    assert all(set(one) <= {"ask", "lasts", "on_start", "leave"} for one in seen)


def stop(loop: Any) -> None:
    loop.stop()


def close(loop: Any) -> None:
    loop.close()


def run_until_complete(loop: Any) -> None:
    loop.run_until_complete(loop.create_future())


@pytest.mark.parametrize("harm", [stop, close, run_until_complete], ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("soon", [False, True])
def test_what_would_end_the_loop_fails_its_node_and_nothing_else(run: Run, harm: Any, soon: bool) -> None:
    @distbench
    class Harms(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N2:
                await self.peers[N1].harm(None)
                await self.terminate()

        @handler
        async def harm(self, src: PeerId, msg: None) -> None:
            loop = asyncio.get_running_loop()
            if soon:
                loop.call_soon(harm, loop)
                await asyncio.sleep(0.001)
            await self.terminate()
            if not soon:
                harm(loop)

        async def report(self) -> dict[str, object]:
            return {"there": True}

    result = run(Harms, nodes(2))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert [result.nodes[node].end for node in (N1, N2)] == [End.FAILED, End.TERMINATED]
    assert result.reports == {N1: {"there": True}, N2: {"there": True}}


def test_handlers_and_factories_of_an_algorithm_change_nothing(run: Run) -> None:
    @distbench
    class Replaces(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, context: None)
            loop.set_task_factory(lambda loop, coro, **named: 1 / 0)  # type: ignore[arg-type]
            if self.id() == N1:
                await asyncio.create_task(asyncio.sleep(0.001))
                assert await self.peers[N2].ask(1) == 2
                asyncio.get_running_loop().call_soon(lambda: 1 / 0)
                await asyncio.sleep(0.001)
                await self.peers[N2].finish(None)
                await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: int) -> int:
            await asyncio.sleep(0.001)
            return msg + 1

        @handler
        async def finish(self, src: PeerId, msg: None) -> None:
            await self.terminate()

    result = run(Replaces, nodes(2))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert [(one.node, one.handler, one.exception) for one in result.failures] == [
        (N1, "a callback", "ZeroDivisionError: division by zero")
    ]


def test_a_node_that_cancels_its_leaving_has_failed_and_left(run: Run) -> None:
    @distbench
    class Cancels(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            if self.id() == N1:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                await asyncio.sleep(0.001)

    result = run(Cancels, nodes(2))
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert [(one.node, one.handler) for one in result.failures] == [(N1, "on_exit")]
