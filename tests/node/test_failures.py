"""What a node does when its code raises: who hears of it, what goes on, how the run ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
from typing import Any

import pytest

import distbench
from distbench import (
    Algorithm,
    ConfigError,
    End,
    MessageError,
    Outcome,
    PeerDown,
    PeerId,
    RemoteError,
    handler,
    message,
)

ONE: dict[str, dict[str, object]] = {"n1": {}}
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
N1, N2 = PeerId("n1"), PeerId("n2")


def failures(result: distbench.RunResult) -> list[tuple[str, str, str]]:
    return [(each.node, each.handler, each.exception) for each in result.failures]


# -------------------------------------------------- handlers


@pytest.mark.parametrize("waits", [False, True])
def test_a_call_to_a_handler_that_raises_is_a_remote_error(waits: bool) -> None:
    seen: list[object] = []

    @distbench.distbench
    class Raises(Algorithm):
        answered: int = 0

        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await self.peers[N2].bad(7)
                except RemoteError as error:
                    seen.append((error.node, error.handler, error.exception, str(error)))
                seen.append(await self.peers[N2].good(1))
            await self.terminate()

        @handler
        async def bad(self, src: PeerId, number: int) -> int:
            if waits:
                await asyncio.sleep(1)
            raise ValueError(f"not {number}")

        @handler
        async def good(self, src: PeerId, number: int) -> str:
            return "still here"

    result = distbench.run(Raises, TWO)
    assert seen == [("n2", "bad", "ValueError: not 7", "bad at n2 raised ValueError: not 7"), "still here"]
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 1)
    assert {node: each.end for node, each in result.nodes.items()} == {"n1": End.TERMINATED, "n2": End.FAILED}
    (failure,) = result.failures
    assert (failure.node, failure.handler, failure.exception) == ("n2", "bad", "ValueError: not 7")
    assert failure.message == "7 from n1"
    assert failure.at == pytest.approx(1.0 if waits else 0.0, abs=0.02)
    assert 'raise ValueError(f"not {number}")' in failure.traceback
    assert "distbench/node" not in failure.traceback
    assert "test_failures.py" in failure.traceback


@pytest.mark.parametrize("waits", [False, True])
def test_a_cast_whose_handler_raises_does_not_trouble_its_sender(waits: bool) -> None:
    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].bad(1)
                await asyncio.sleep(5)
            await self.terminate()

        @handler
        async def bad(self, src: PeerId, number: int) -> None:
            if waits:
                await asyncio.sleep(0)
            raise ValueError("cast")

    result = distbench.run(Raises, TWO)
    assert failures(result) == [("n2", "bad", "ValueError: cast")]
    assert result.outcome is Outcome.COMPLETED


def test_the_failure_names_the_message_of_a_message_class() -> None:
    @message
    class Vote:
        value: bool

    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].vote(Vote(True))

        @handler
        async def vote(self, src: PeerId, vote: Vote) -> None:
            raise KeyError("who")

    (failure,) = distbench.run(Raises, TWO).failures
    assert failure.message.endswith("Vote(value=True) from n1")
    assert failure.exception == "KeyError: 'who'"


def test_a_chain_of_causes_is_shown_without_the_frameworks_frames() -> None:
    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await self.peers[N2].bad(1)
                except RemoteError as error:
                    raise LookupError("outer") from error

        @handler
        async def bad(self, src: PeerId, number: int) -> int:
            raise ValueError("inner")

    result = distbench.run(Raises, TWO)
    shown = next(each.traceback for each in result.failures if each.node == N1)
    assert "RemoteError: bad at n2 raised ValueError: inner" in shown
    assert "direct cause" in shown
    assert shown.rstrip().endswith("LookupError: outer")
    assert "distbench/node" not in shown
    assert "asyncio" not in shown


def test_the_traceback_of_a_failing_task_group_shows_its_children() -> None:
    @distbench.distbench
    class Groups(Algorithm):
        async def on_start(self) -> None:
            await self.peers[N2 if self.id() == N1 else N1].work(1)

        @handler
        async def work(self, src: PeerId, number: int) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.fails())

        async def fails(self) -> None:
            raise ValueError("child")

    (failure, _) = distbench.run(Groups, TWO).failures
    assert "ValueError: child" in failure.traceback
    assert failure.exception.startswith("ExceptionGroup")


@pytest.mark.parametrize("exception", ["StopIteration", "SystemExit", "AssertionError"])
@pytest.mark.parametrize("waits", [False, True])
def test_no_exception_of_a_handler_ends_the_run(exception: str, waits: bool) -> None:
    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                with pytest.raises(RemoteError):
                    await self.peers[N2].bad(1)
            await self.terminate()

        @handler
        async def bad(self, src: PeerId, number: int) -> int:
            if waits:
                await asyncio.sleep(1)
            if exception == "SystemExit":
                sys.exit(0)
            raise StopIteration if exception == "StopIteration" else AssertionError

    result = distbench.run(Raises, TWO)
    assert (result.outcome, result.exit_status, len(result.failures)) == (Outcome.COMPLETED, 1, 1)


def test_an_exception_that_cannot_be_shown_is_told_all_the_same() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    class Value:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    @message
    class Box:
        value: int

        def __repr__(self) -> str:
            raise RuntimeError("no text")

    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].bad(Box(1))

        @handler
        async def bad(self, src: PeerId, box: Box) -> None:
            raise Odd

    (failure,) = distbench.run(Raises, TWO).failures
    assert failure.handler == "bad"


def test_a_cancelled_handler_is_no_failure_but_its_caller_hears_of_it() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Cancelled(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for slow in (False, True):
                    try:
                        await self.peers[N2].work(slow)
                    except RemoteError as error:
                        seen.append(error.exception)
            await self.terminate()

        @handler
        async def work(self, src: PeerId, slow: bool) -> int:
            if not slow:
                raise asyncio.CancelledError
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_later(1, task.cancel)
            await asyncio.sleep(5)
            return 1

    result = distbench.run(Cancelled, TWO)
    assert seen == ["CancelledError", "CancelledError"]
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)


def test_a_reply_that_does_not_fit_fails_the_node_that_gave_it() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Misfits(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await self.peers[N2].ask(1)
                except RemoteError as error:
                    seen.append(error.exception)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return "text"  # type: ignore[return-value]

    result = distbench.run(Misfits, TWO)
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 1)
    (failure,) = result.failures
    assert (failure.node, failure.handler) == ("n2", "ask")
    assert failure.exception == f"MessageError: {seen[0].removeprefix('MessageError: ')}"
    for word in ("ask", "returns", "int", "str"):
        assert word in seen[0]


def test_a_message_that_does_not_fit_is_refused_at_its_sender() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Misfits(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for method in (self.peers[N2].tell, self.peers[N2].ask):
                    with pytest.raises(MessageError, match=r"takes int.*str"):
                        await method("text")
            await self.terminate()

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            seen.append("arrived")

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            seen.append("arrived")
            return 1

    result = distbench.run(Misfits, TWO)
    assert (seen, result.exit_status, result.deliveries) == ([], 0, 0)


# -------------------------------------------------- on_start, __init__


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
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 1)
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
    assert (result.outcome, len(result.failures)) == (Outcome.QUIESCENT, 1)
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
            return 1

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
    assert (result.outcome, result.exit_status, result.virtual_time) == (Outcome.COMPLETED, 1, 5.0)


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
    assert (seen, result.outcome, result.exit_status) == (["n2"], Outcome.COMPLETED, 1)
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
    assert (result.outcome, result.exit_status, result.nodes[N1].end) == (Outcome.COMPLETED, 1, End.FAILED)
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
    assert result.outcome is Outcome.COMPLETED


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
    assert (result.outcome, result.virtual_time) == (Outcome.COMPLETED, 5.0)


# -------------------------------------------------- on_exit and report


def test_on_exit_and_report_run_once_the_parent_first() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Child(Algorithm):
        async def on_exit(self) -> None:
            seen.append(f"{self.id()} child on_exit")

        async def report(self) -> dict[str, object]:
            seen.append(f"{self.id()} child report")
            return {"inner": 1}

    @distbench.distbench
    class Parent(Algorithm):
        child: Child = distbench.child_algorithm(Child)

        async def on_start(self) -> None:
            await self.terminate()
            await self.terminate()

        async def on_exit(self) -> None:
            seen.append(f"{self.id()} on_exit")
            await asyncio.sleep(1)

        async def report(self) -> dict[str, object]:
            seen.append(f"{self.id()} report")
            return {"outer": 2}

    result = distbench.run(Parent, TWO)
    assert result.reports == {node: {"outer": 2, "child": {"inner": 1}} for node in ("n1", "n2")}
    for node in ("n1", "n2"):
        steps = [f"{node} on_exit", f"{node} child on_exit", f"{node} report", f"{node} child report"]
        assert [each for each in seen if each.startswith(node)] == steps
    assert result.virtual_time == 0.0


@pytest.mark.parametrize("hook", ["on_exit", "report"])
@pytest.mark.parametrize("exception", [ValueError, SystemExit])
def test_an_exception_in_on_exit_or_report_fails_the_node(hook: str, exception: type[BaseException]) -> None:
    @distbench.distbench
    class Fails(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            if hook == "on_exit" and self.id() == N1:
                raise exception("late")

        async def report(self) -> dict[str, object]:
            if hook == "report" and self.id() == N1:
                raise exception("late")
            return {"here": True}

    result = distbench.run(Fails, TWO)
    assert failures(result) == [("n1", hook, f"{exception.__name__}: late")]
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 1)
    assert result.reports[N2] == {"here": True}
    assert result.reports[N1] == ({"here": True} if hook == "on_exit" else {})


def test_a_report_that_is_no_dictionary_fails_the_node() -> None:
    @distbench.distbench
    class Lists(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return [1]  # type: ignore[return-value]

    (failure,) = distbench.run(Lists, ONE).failures
    assert (failure.handler, failure.exception) == ("report", "TypeError: report() returns a dictionary, not list")


def test_on_exit_may_await_a_task_that_it_has_cancelled() -> None:
    @distbench.distbench
    class Cancels(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(asyncio.sleep(100))
            await self.terminate()

        async def on_exit(self) -> None:
            self.task.cancel()
            await self.task

        async def report(self) -> dict[str, object]:
            return {"cancelled": self.task.cancelled()}

    result = distbench.run(Cancels, ONE)
    assert (result.reports, result.exit_status) == ({"n1": {"cancelled": True}}, 0)


def test_on_exit_that_cancels_itself_is_told() -> None:
    @distbench.distbench
    class Cancels(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    (failure,) = distbench.run(Cancels, ONE).failures
    assert failure.handler == "on_exit"


@pytest.mark.parametrize("how", ["forever", "sleeping", "spinning", "catching"])
def test_an_endless_on_exit_is_told_and_stops_nobody_else(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distbench.running.offline._EXIT_LIMIT", 20_000)

    @distbench.distbench
    class Endless(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            while self.id() == N1:
                match how:
                    case "forever":
                        await asyncio.Event().wait()
                    case "sleeping":
                        await asyncio.sleep(1)
                    case "spinning":
                        await asyncio.sleep(0)
                    case "catching":
                        with contextlib.suppress(asyncio.CancelledError):
                            await asyncio.sleep(1)
            await asyncio.sleep(2)

        async def report(self) -> dict[str, object]:
            return {"now": self.now()}

    result = distbench.run(Endless, TWO)
    (failure,) = result.failures
    assert (failure.node, failure.handler) == ("n1", "on_exit")
    assert "never returned" in failure.exception
    assert "test_failures.py" in failure.exception
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 1)
    assert list(result.reports) == ["n2"]


def test_nothing_is_delivered_or_sent_while_nodes_leave() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Leaves(Algorithm):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                await peer.tell("in transit")
            await self.terminate()

        async def on_exit(self) -> None:
            for peer in self.peers.values():
                await peer.tell("too late")
                with pytest.raises(PeerDown):
                    await peer.ask(1)
            await asyncio.sleep(5)

        @handler
        async def tell(self, src: PeerId, text: str) -> None:
            seen.append(text)

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return number

    result = distbench.run(Leaves, TWO)
    assert (seen, result.in_transit, result.deliveries) == ([], 2, 0)
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)


@pytest.mark.parametrize("how", ["handler", "task", "group"])
def test_a_call_that_the_end_of_the_run_cuts_off_is_no_failure(how: str) -> None:
    seen: list[str] = []

    @distbench.distbench
    class Asks(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N2:
                if how == "handler":
                    await self.peers[N1].go(1)
                elif how == "task":
                    self.task = asyncio.create_task(self.asks())
                else:
                    self.task = asyncio.create_task(self.asks_in_a_group())
            await asyncio.sleep(5)
            await self.terminate()

        @handler
        async def go(self, src: PeerId, number: int) -> None:
            await self.asks()

        async def asks_in_a_group(self) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.asks())

        async def asks(self) -> None:
            try:
                while True:
                    for peer in self.peers.values():
                        await peer.ask(1)
                    await asyncio.sleep(1)
            except PeerDown as error:
                seen.append(error.reason)
                raise

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return number

        async def on_exit(self) -> None:
            await asyncio.sleep(10)

    result = distbench.run(Asks, TWO)
    assert seen == ["has ended"]
    assert (result.failures, result.exit_status) == ((), 0)


# -------------------------------------------------- the very end


def test_a_handler_that_waits_at_the_end_is_cancelled_and_may_clean_up(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    @distbench.distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.background())
            if self.id() == N1:
                await self.peers[N2].work(1)
            await asyncio.sleep(1)
            await self.terminate()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(1)
                seen.append(f"{self.id()} on_start")

        async def background(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(1)
                seen.append(f"{self.id()} background")
                raise ValueError("at the end")

        @handler
        async def work(self, src: PeerId, number: int) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                seen.append(f"{self.id()} work")
                raise ValueError("in the end")

    with caplog.at_level(logging.WARNING):
        result = distbench.run(Waits, TWO)
    assert sorted(seen) == ["n1 background", "n1 on_start", "n2 background", "n2 on_start", "n2 work"]
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)
    told = [record.getMessage() for record in caplog.records]
    assert any("work raised ValueError: in the end" in each for each in told)
    assert sum("background raised ValueError: at the end" in each for each in told) == 2


def test_a_task_that_nobody_holds_does_not_vanish() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Forgets(Algorithm):
        async def on_start(self) -> None:
            asyncio.create_task(self.listens())  # noqa: RUF006 - that is the point
            await asyncio.sleep(1)
            gc.collect()
            await self.terminate()

        async def listens(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled at the end")
                raise

    result = distbench.run(Forgets, ONE)
    assert (seen, [each.background for each in result.suspended]) == (["cancelled at the end"], [True])


def test_thousands_of_waiting_handlers_all_clean_up() -> None:
    seen: list[int] = []

    @distbench.distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for number in range(3000):
                    await self.peers[N2].work(number)

        @handler
        async def work(self, src: PeerId, number: int) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                seen.append(number)

    result = distbench.run(Waits, TWO)
    assert (sorted(seen), result.outcome) == (list(range(3000)), Outcome.STUCK)


@pytest.mark.parametrize("spins", [False, True])
def test_a_task_that_refuses_to_end_is_left_behind_quietly(spins: bool) -> None:
    @distbench.distbench
    class Refuses(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.stubborn())
            await asyncio.sleep(0)
            await self.terminate()

        async def stubborn(self) -> None:
            while True:
                try:
                    await asyncio.sleep(0 if spins and self.now() else 1)
                except asyncio.CancelledError:
                    continue

    result = distbench.run(Refuses, ONE)
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)
