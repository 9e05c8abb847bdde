"""When a run is over: completed, quiescent, stuck; what its result says of it."""

from __future__ import annotations

import asyncio
import inspect
import math
from contextlib import asynccontextmanager
from typing import Any

import pytest

import distbench
from distbench import Algorithm, End, Outcome, PeerId, handler

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
    assert (result.ended, result.suspended, result.exit_status) == (Outcome.QUIESCENT, (), 1)
