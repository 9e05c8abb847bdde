"""Exceptions in ``__init__`` and ``on_start`` stop a node; those in its tasks and callbacks fail it."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

import distbench
from distbench import (
    Algorithm,
    ConfigError,
    End,
    Outcome,
    PeerDown,
    PeerId,
    handler,
)

ONE: dict[str, dict[str, object]] = {"n1": {}}
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
N1, N2 = PeerId("n1"), PeerId("n2")


def failures(result: distbench.RunResult) -> list[tuple[str, str, str]]:
    return [(each.node, each.handler, each.exception) for each in result.failures]


@pytest.mark.parametrize("waits", [False, True])
def test_an_exception_in_on_start_stops_the_node_and_its_peers_hear_of_it(waits: bool) -> None:
    seen: list[object] = []

    @distbench.distbench
    class Crashes(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                if waits:
                    await asyncio.sleep(1)
                raise ValueError("broken")
            if waits:
                await self.peers[N1].tell(1)
            try:
                await self.peers[N1].ask(1)
            except PeerDown as error:
                seen.append((error.node, error.reason))
            try:
                await self.peers[N1].ask(1)
            except PeerDown:
                seen.append("again")
            await self.peers[N1].tell(2)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            await asyncio.Event().wait()
            return number

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            seen.append(("told", number))

        async def on_exit(self) -> None:
            seen.append(f"on_exit {self.id()}")

        async def report(self) -> dict[str, int]:
            return {"reported": 1}

    result = distbench.run(Crashes, TWO)
    told = [("told", 1)] if waits else []
    assert seen == [*told, ("n1", "has crashed"), "again", "on_exit n2"]
    assert (result.ended, result.exit_status) == (Outcome.COMPLETED, 1)
    assert {node: each.end for node, each in result.nodes.items()} == {"n1": End.CRASHED, "n2": End.TERMINATED}
    assert failures(result) == [("n1", "on_start", "ValueError: broken")]
    assert result.reports == {"n2": {"reported": 1}}


def test_a_run_whose_nodes_all_crash_ends() -> None:
    @distbench.distbench
    class Crashes(Algorithm):
        async def on_start(self) -> None:
            raise ValueError(self.id())

    result = distbench.run(Crashes, TWO)
    assert (result.exit_status, result.virtual_time) == (1, 0.0)
    assert [each.end for each in result.nodes.values()] == [End.CRASHED, End.CRASHED]


def test_a_childs_on_start_crashes_the_whole_node() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Child(Algorithm):
        async def on_start(self) -> None:
            raise ValueError("child")

    @distbench.distbench
    class Parent(Algorithm):
        child: Child = distbench.child_algorithm(Child)

        async def on_start(self) -> None:
            seen.append("parent")

    result = distbench.run(Parent, ONE)
    assert failures(result) == [("n1", "child.on_start", "ValueError: child")]
    assert (seen, result.nodes[N1].end) == ([], End.CRASHED)


def test_a_crashed_node_does_nothing_more_that_others_could_see() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Crashes(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N2:
                return
            loop = asyncio.get_running_loop()
            loop.call_later(2, seen.append, "timer of the dead")
            self.task = asyncio.create_task(self.background())
            await self.peers[N2].tell("before")
            await asyncio.sleep(1)
            raise ValueError("crash")

        async def background(self) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                await self.peers[N2].tell("after")

        @handler
        async def tell(self, src: PeerId, text: str) -> None:
            seen.append(text)

    result = distbench.run(Crashes, TWO)
    assert seen == ["before"]
    assert (result.ended, len(result.failures)) == (Outcome.QUIESCENT, 1)
    assert result.virtual_time < 1.1


def test_the_failure_notice_comes_behind_what_the_node_had_sent() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Crashes(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for number in range(20):
                    await self.peers[N2].tell(number)
                raise ValueError("crash")
            try:
                await self.peers[N1].ask(1)
            except PeerDown:
                seen.append("down")

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            await asyncio.Event().wait()  # it waits for room among its casts, so it may be asked before it crashes
            return number

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            seen.append(number)

    for seed in range(30):
        seen.clear()
        distbench.run(Crashes, TWO, seed=seed, latency="1-100")
        assert seen == [*range(20), "down"]


def test_a_crash_is_not_waited_for() -> None:
    @distbench.distbench
    class Crashes(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await asyncio.sleep(5)
                raise ValueError("late")
            await self.terminate()

    result = distbench.run(Crashes, {"n1": {}, "n2": {}, "n3": {}})
    assert (result.ended, result.exit_status, result.virtual_time) == (Outcome.COMPLETED, 1, 5.0)


def test_an_exception_in_init_stops_the_node_before_it_starts() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Broken(Algorithm):
        def __init__(self) -> None:
            super().__init__()
            if self.id() == N1:
                raise ValueError("no")

        async def on_start(self) -> None:
            seen.append(self.id())
            if self.id() == N2:
                with pytest.raises(PeerDown):
                    await self.peers[N1].ask(1)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return 1

    result = distbench.run(Broken, TWO)
    assert failures(result) == [("n1", "__init__", "ValueError: no")]
    assert (seen, result.ended, result.exit_status) == (["n2"], Outcome.COMPLETED, 1)
    assert result.nodes[N1].end is End.CRASHED


def test_a_config_error_in_init_is_one_of_the_config() -> None:
    @distbench.distbench
    class Picky(Algorithm):
        def __init__(self) -> None:
            super().__init__()
            raise ConfigError("rounds must be odd")

    with pytest.raises(ConfigError, match="odd"):
        distbench.run(Picky, ONE)


# -------------------------------------------------- background tasks and callbacks


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("waits", [False, True])
def test_an_exception_in_a_background_task_fails_the_node(kept: bool, waits: bool) -> None:
    @distbench.distbench
    class Background(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                task = asyncio.create_task(self.work())
                if kept:
                    self.task = task
                del task
            await asyncio.sleep(5)
            await self.terminate()

        async def work(self) -> None:
            if waits:
                await asyncio.sleep(1)
            raise ValueError("background")

    result = distbench.run(Background, TWO)
    (failure,) = result.failures
    assert (failure.node, failure.exception) == ("n1", "ValueError: background")
    assert failure.handler.startswith("task ")
    assert failure.handler.endswith("Background.work")
    assert "in work" in failure.traceback
    assert (result.ended, result.exit_status, result.nodes[N1].end) == (Outcome.COMPLETED, 1, End.FAILED)
    assert failure.at == (1.0 if waits else 0.0)


def test_a_background_task_whose_exception_is_looked_at_fails_nobody() -> None:
    @distbench.distbench
    class Looks(Algorithm):
        async def on_start(self) -> None:
            task = asyncio.create_task(self.work())
            with pytest.raises(ValueError, match="background"):
                await task
            await self.terminate()

        async def work(self) -> None:
            raise ValueError("background")

    assert distbench.run(Looks, ONE).exit_status == 0


@pytest.mark.parametrize("how", ["soon", "later", "task is done"])
def test_an_exception_in_a_callback_fails_the_node(how: str) -> None:
    @distbench.distbench
    class Callbacks(Algorithm):
        async def on_start(self) -> None:
            loop = asyncio.get_running_loop()
            if how == "soon":
                loop.call_soon(self.fails)
            elif how == "later":
                loop.call_later(1, self.fails)
            else:
                asyncio.create_task(asyncio.sleep(1)).add_done_callback(self.fails)
            await asyncio.sleep(5)
            await self.terminate()

        def fails(self, *_: Any) -> None:
            raise ValueError("callback")

    result = distbench.run(Callbacks, ONE)
    assert failures(result) == [("n1", "a callback", "ValueError: callback")]
    assert result.ended is Outcome.COMPLETED


def test_sys_exit_in_a_task_fails_the_node_once() -> None:
    @distbench.distbench
    class Exits(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.work())
            await asyncio.sleep(5)
            await self.terminate()

        async def work(self) -> None:
            sys.exit("goodbye")

    result = distbench.run(Exits, ONE)
    assert [exception for _, _, exception in failures(result)] == ["SystemExit: goodbye"]
    assert (result.ended, result.virtual_time) == (Outcome.COMPLETED, 5.0)
