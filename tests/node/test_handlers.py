"""A handler's own context and task, and its asynchronous generators."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

import distbench
from distbench import Algorithm, NondeterminismError, Outcome, PeerId, handler
from distbench.errors import InternalError
from tests.node.programs.listing import me

TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
N1, N2 = PeerId("n1"), PeerId("n2")
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def test_a_value_that_nobody_receives_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    @distbench.distbench
    class Forgets(Algorithm):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                for _ in range(3):
                    assert await peer.at_once(1) is None
                    assert await peer.later(1) is None
                await asyncio.sleep(1)
            await self.terminate()

        @handler
        async def at_once(self, src: PeerId, number: int):  # type: ignore[no-untyped-def]
            return number + 1

        @handler
        async def later(self, src: PeerId, number: int) -> None:
            await asyncio.sleep(0)
            return number + 1  # type: ignore[return-value]

    with caplog.at_level(logging.WARNING, logger="distbench"):
        distbench.run(Forgets, {"n1": {"neighbours": ["n2"]}, "n2": {"neighbours": "none"}})
    told = [record.getMessage() for record in caplog.records]
    assert sorted(told) == [
        f"{name} returned 2, which nobody receives, for it has no such annotation: "
        "write '-> int' and callers wait for it"
        for name in ("at_once", "later")
    ]


@pytest.mark.parametrize("waits", [False, True])
def test_a_context_variable_does_not_leak_into_the_next_handler(waits: bool) -> None:
    seen: list[str] = []

    @distbench.distbench
    class Leaky(Algorithm):
        async def on_start(self) -> None:
            seen.append(variable.get())
            variable.set("on_start")
            if self.id() == N1:
                for number in range(3):
                    await self.peers[N2].tell(number)

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            seen.append(variable.get())
            variable.set(f"handler {number}")
            if waits:
                await asyncio.sleep(1)
                seen.append(variable.get())

    distbench.run(Leaky, TWO)
    wanted = ["unset"] * 5 + (["handler 0", "handler 1", "handler 2"] if waits else [])
    assert sorted(seen) == sorted(wanted)
    assert variable.get() == "unset"


def test_the_callers_context_is_not_that_of_the_nodes() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Looks(Algorithm):
        async def on_start(self) -> None:
            seen.append(variable.get())
            await asyncio.sleep(1)
            variable.set("changed")
            await self.terminate()

    token = variable.set("outside")
    distbench.run(Looks, {"n1": {}})
    assert (seen, variable.get()) == (["unset"], "outside")
    variable.reset(token)


def test_what_init_sets_is_seen_by_all_handlers_of_the_node() -> None:
    seen: list[tuple[PeerId, str]] = []

    @distbench.distbench
    class Sets(Algorithm):
        def __init__(self) -> None:
            super().__init__()
            variable.set(self.id())

        async def on_start(self) -> None:
            seen.append((self.id(), variable.get()))
            await self.peers[N2 if self.id() == N1 else N1].tell(1)

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            seen.append((self.id(), variable.get()))

    distbench.run(Sets, TWO)
    assert sorted(seen) == [(N1, N1), (N1, N1), (N2, N2), (N2, N2)]


# -------------------------------------------------- the current task


def test_a_handler_can_be_cancelled_and_awaited_from_another() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Cancels(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].work(1)
                await asyncio.sleep(1)
                await self.peers[N2].stop("enough")

        @handler
        async def work(self, src: PeerId, number: int) -> None:
            self.worker = me()
            try:
                await asyncio.sleep(100)
            finally:
                seen.append(("finally", self.worker == me()))

        @handler
        async def stop(self, src: PeerId, why: str) -> None:
            assert self.worker != me()
            seen.append((self.worker.done(), self.worker.cancel(why)))
            try:
                await self.worker
            except asyncio.CancelledError as error:
                seen.append(str(error))
            seen.append((self.worker.done(), self.worker.cancelled(), self.worker.cancel()))

    result = distbench.run(Cancels, TWO)
    assert seen == [(False, True), ("finally", True), "enough", (True, True, False)]
    assert (result.outcome, result.exit_status) == (Outcome.QUIESCENT, 0)


@pytest.mark.parametrize("waits", [False, True])
def test_the_task_of_a_handler_tells_when_it_is_done(waits: bool) -> None:
    seen: list[object] = []

    @distbench.distbench
    class Tells(Algorithm):
        async def on_start(self) -> None:
            task = self.task = me()
            task.add_done_callback(lambda task: seen.append((task == self.task, task.done(), task.cancelled())))
            name = task.get_name()
            if waits:
                await asyncio.sleep(1)
            assert me().get_name() == task.get_name() == name

        async def on_exit(self) -> None:
            seen.append((self.task.done(), self.task.cancel(), await self.task))

    distbench.run(Tells, {"n1": {}})
    assert seen == [(True, True, False), (True, False, None)]


def test_a_task_cannot_wait_for_itself() -> None:
    @distbench.distbench
    class Selfish(Algorithm):
        async def on_start(self) -> None:
            with pytest.raises(RuntimeError, match="itself"):
                await me()
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="itself"):
                await me()
            await self.terminate()

    assert distbench.run(Selfish, {"n1": {}}).exit_status == 0


def test_the_name_of_a_handlers_task_says_which_handler_it_is() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Named(Algorithm):
        async def on_start(self) -> None:
            seen.append(me().get_name())
            await asyncio.sleep(0)
            seen.append(me().get_name())

    distbench.run(Named, {"n1": {}})
    assert len(set(seen)) == 1
    assert seen[0].endswith("Named.on_start")


def test_a_node_sees_only_its_own_tasks() -> None:
    seen: dict[PeerId, int] = {}

    @distbench.distbench
    class Counts(Algorithm):
        async def on_start(self) -> None:
            self.tasks = [asyncio.create_task(asyncio.sleep(5)) for _ in range(3)]
            seen[self.id()] = len(asyncio.all_tasks() - {me()})
            await asyncio.sleep(1)
            assert len(asyncio.all_tasks() - {me()}) == seen[self.id()]
            for task in asyncio.all_tasks() - {me()}:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await asyncio.sleep(2)
            await self.terminate()

    result = distbench.run(Counts, TWO)
    assert seen == {N1: 3, N2: 3}
    assert (result.outcome, result.virtual_time) == (Outcome.COMPLETED, 3.0)


# -------------------------------------------------- generators


def test_a_generator_that_is_still_open_is_closed_at_the_end() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Opens(Algorithm):
        async def counts(self) -> AsyncIterator[int]:
            try:
                yield 1
                yield 2
            finally:
                await asyncio.sleep(0)
                seen.append((self.id(), "closed", self.now()))

        async def on_start(self) -> None:
            self.generator: Any = self.counts()
            seen.append(await anext(self.generator))
            await self.terminate()

    distbench.run(Opens, {"n1": {}})
    assert seen == [1, (N1, "closed", 0.0)]


def test_a_generator_may_wait_while_it_is_closed_at_the_end() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Opens(Algorithm):
        async def counts(self) -> AsyncIterator[int]:
            try:
                yield 1
            finally:
                await asyncio.sleep(1)
                seen.append("closed")

        async def on_start(self) -> None:
            self.generator: Any = self.counts()
            await anext(self.generator)
            await self.terminate()

    distbench.run(Opens, {"n1": {}})
    assert seen == ["closed"]


# -------------------------------------------------- the loop is not the algorithm's to stop


def test_the_loop_cannot_be_stopped_or_closed() -> None:
    @distbench.distbench
    class Stops(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            with pytest.raises(NondeterminismError, match=r"loop\.stop\(\)"):
                loop.stop()
            with pytest.raises((NondeterminismError, InternalError, RuntimeError)):
                loop.close()
            await self.terminate()

    assert distbench.run(Stops, {"n1": {}}).outcome is Outcome.COMPLETED
