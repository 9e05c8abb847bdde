"""What an event loop can do: done as asyncio does it, or refused by name; the node that asked fails, no other."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import distbench
from distbench import Algorithm, Outcome, PeerId, handler
from distbench.errors import NondeterminismError
from distbench.running.result import End

ONE: dict[str, dict[str, object]] = {"n1": {}}
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
METHODS = [name for name in dir(asyncio.SelectorEventLoop) if not name.startswith("_")]


class Attempts(Algorithm):
    """Does one thing, in a handler's first and second segment, and goes on."""

    async def attempt(self) -> Any: ...

    async def on_start(self) -> None:
        self.seen = [await self.attempt()]
        await asyncio.sleep(0.5)
        self.seen.append(await self.attempt())
        await self.terminate()


def attempt(function: Callable[[Any], Any]) -> list[Any]:
    """What ``function`` gives at a node, twice."""

    async def tried(self: Any) -> Any:
        return await function(self)

    algorithm = distbench.distbench(type("Tries", (Attempts,), {"attempt": tried}))
    result = distbench.run(algorithm, ONE)
    assert (result.failures, result.outcome) == ((), Outcome.COMPLETED)
    return list(result.algorithms[PeerId("n1")].seen)  # type: ignore[attr-defined]


@pytest.mark.parametrize("arguments", range(5))
@pytest.mark.parametrize("name", METHODS)
def test_no_method_of_a_loop_is_missing(name: str, arguments: int) -> None:
    async def function(_: Any) -> str:
        method = getattr(asyncio.get_running_loop(), name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = method(*[lambda *_: None] * arguments)
                if asyncio.iscoroutine(found):
                    await found
            except TypeError:
                return "other arguments"
            except (NondeterminismError, RuntimeError) as error:
                return f"{type(error).__name__}: {error}"
        return "done"

    if (name.startswith(("call_", "default_"))) and arguments:
        return  # they want something else
    for told in attempt(function):
        assert "NotImplemented" not in told
        if told.startswith("NondeterminismError"):
            assert f"loop.{name}(" in told


@pytest.mark.parametrize(
    "name", ["sock_recvfrom", "sock_sendto", "create_unix_server", "connect_read_pipe", "sendfile"]
)
def test_what_reaches_outside_is_refused_by_name(name: str) -> None:
    async def function(_: Any) -> str:
        with pytest.raises(NondeterminismError) as caught:
            await getattr(asyncio.get_running_loop(), name)(None, None)
        return str(caught.value)

    assert set(attempt(function)) == {f"loop.{name}() reaches outside the simulation, which no seed can repeat"}


def test_what_needs_no_world_is_answered_as_everywhere() -> None:
    async def function(_: Any) -> Any:
        loop: Any = asyncio.get_running_loop()
        loop.set_debug(True)
        loop.set_exception_handler(print)
        loop.set_task_factory(None)
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor())
        with pytest.raises(TypeError):
            loop.set_default_executor(None)
        await loop.shutdown_default_executor()
        await loop.shutdown_asyncgens()
        told = loop.get_debug(), loop.get_exception_handler(), loop.get_task_factory(), loop.slow_callback_duration
        loop.slow_callback_duration = 5
        loop.slow_callback_duration = 0.1
        removed = loop.remove_reader(0), loop.remove_writer(0), loop.remove_signal_handler(2)
        return *told, *removed, loop.is_running(), loop.is_closed(), repr(loop)

    shown = "<SimLoop running=True closed=False debug=False>"
    assert attempt(function) == [(False, None, None, 0.1, False, False, False, True, False, shown)] * 2


def test_the_default_exception_handler_only_logs(caplog: pytest.LogCaptureFixture) -> None:
    async def function(_: Any) -> None:
        error = ValueError("shown")
        asyncio.get_running_loop().default_exception_handler({"message": "something", "exception": error})

    with caplog.at_level(logging.ERROR, "asyncio"):
        attempt(function)
    assert [record.message for record in caplog.records] == ["something"] * 2


REENTERS: dict[str, tuple[Callable[[Any], object], str]] = {
    "run_until_complete": (lambda coro: asyncio.get_running_loop().run_until_complete(coro()), "is already running"),
    "run_forever": (lambda _: asyncio.get_running_loop().run_forever(), "is already running"),
    "asyncio.run": (lambda coro: asyncio.run(coro()), "cannot be called from a running event loop"),
    "get_event_loop": (lambda coro: asyncio.get_event_loop().run_until_complete(coro()), "is already running"),
    "close": (lambda _: asyncio.get_running_loop().close(), "Cannot close a running event loop"),
    "stop": (lambda _: asyncio.get_running_loop().stop(), "use terminate()"),
    "Runner": (lambda coro: asyncio.Runner().run(coro()), "Runner.run() cannot be called from a running event loop"),
    "Runner as a context": (lambda _: asyncio.Runner().__enter__(), "asyncio.new_event_loop()"),
    "new_event_loop": (lambda _: asyncio.new_event_loop(), "asyncio.new_event_loop() inside a simulated node"),
    "a loop by its class": (lambda _: asyncio.SelectorEventLoop(), "EventLoop() inside a simulated node"),
    "the policy's": (lambda _: asyncio.get_event_loop_policy().new_event_loop(), "EventLoop() inside"),
    "set_event_loop": (lambda _: asyncio.set_event_loop(None), "asyncio.set_event_loop() inside"),
    "set_event_loop_policy": (lambda _: asyncio.set_event_loop_policy(None), "asyncio.set_event_loop_policy() inside"),
}


@pytest.mark.parametrize("soon", [False, True])
@pytest.mark.parametrize("name", REENTERS)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::DeprecationWarning")
def test_who_enters_the_loop_again_fails_and_nobody_else(name: str, soon: bool) -> None:
    harm, told = REENTERS[name]

    async def nothing() -> None: ...

    @distbench.distbench
    class Harms(Algorithm):
        async def on_start(self) -> None:
            if self.id() == "n2":
                await self.peers[PeerId("n1")].harm(1)
                await asyncio.sleep(1)
                assert await self.peers[PeerId("n1")].ask(1) == 1
                await self.terminate()

        @handler
        async def harm(self, src: PeerId, number: int) -> None:
            if soon:
                asyncio.get_running_loop().call_soon(harm, nothing)
            else:
                harm(nothing)

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            await self.terminate()
            return number

    result = distbench.run(Harms, TWO)
    assert (result.ended, [result.nodes[PeerId(node)].end for node in TWO]) == (
        Outcome.COMPLETED,
        [End.FAILED, End.TERMINATED],
    )
    errors = [failure.exception for failure in result.failures if "never awaited" not in failure.exception]
    assert [told in error for error in errors] == [True]
    assert {failure.node for failure in result.failures} == {"n1"}


def test_the_running_loop_may_be_set() -> None:
    async def function(_: Any) -> None:
        asyncio.set_event_loop(asyncio.get_running_loop())

    assert attempt(function) == [None, None]


# -------------------------------------------------- eager tasks, and tasks that the loop does not make


class MyTask(asyncio.Task[Any]):
    """Somebody's own."""


class Curious(asyncio.Task[Any]):
    def __init__(self, coro: Any, **named: Any) -> None:
        super().__init__(coro, **named)
        self.also = "mine"


def eager() -> Any:
    loop: Any = asyncio.get_running_loop()
    make: Any = asyncio.Task
    own: Any = MyTask
    curious: Any = Curious
    tools: Any = asyncio
    return {
        "Task": lambda coro: make(coro, loop=loop, eager_start=True),
        "create_task": lambda coro: loop.create_task(coro, eager_start=True),
        "factory": lambda coro: tools.eager_task_factory(loop, coro),
        "own class": lambda coro: own(coro, loop=loop, eager_start=True),
        "own class with an __init__": lambda coro: curious(coro, loop=loop, eager_start=True),
        "own factory": lambda coro: tools.create_eager_task_factory(MyTask)(loop, coro),
    }


EAGER = ["Task", "create_task", "factory", "own class", "own class with an __init__", "own factory"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are none before Python 3.12")
@pytest.mark.parametrize("name", EAGER)
def test_an_eager_task_begins_at_once_and_belongs_to_its_node(name: str) -> None:
    async def function(self: Any) -> Any:
        ran: list[object] = []

        async def work(waits: bool) -> str:
            task = asyncio.current_task()
            assert task is not None
            ran.append(("begun", task in asyncio.all_tasks(), self.id()))
            if waits:
                await asyncio.sleep(1)
            ran.append("ended")
            return "result"

        outer = asyncio.current_task()
        at_once = eager()[name](work(False))
        seen: tuple[Any, ...] = (list(ran), at_once.done())
        later = eager()[name](work(True))
        seen = *seen, list(ran[2:]), later.done(), asyncio.current_task() is outer
        assert later in asyncio.all_tasks()
        return *seen, await at_once, await later, ran[-1]

    begun = ("begun", True, "n1")
    assert attempt(function) == [([begun, "ended"], True, [begun], False, True, "result", "result", "ended")] * 2


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it is known from Python 3.12 on")
def test_an_eager_start_is_not_known_yet() -> None:
    async def work() -> None: ...

    async def function(_: Any) -> None:
        loop: Any = asyncio.get_running_loop()
        make: Any = asyncio.Task
        for tried in (make, lambda coro, loop, **named: loop.create_task(coro, **named)):
            coro = work()
            with pytest.raises(TypeError):
                tried(coro, loop=loop, eager_start=True)
            coro.close()
        assert len(asyncio.all_tasks()) == 1

    attempt(function)


@pytest.mark.parametrize("kind", [MyTask, Curious])
def test_a_task_of_an_own_class_is_its_nodes(kind: Any) -> None:
    names: list[str] = []
    ended: list[str] = []

    @distbench.distbench
    class Makes(Algorithm):
        async def on_start(self) -> None:
            self.task = kind(self.work(), loop=asyncio.get_running_loop())
            named = kind(self.work(), loop=asyncio.get_running_loop(), name="named")
            names.extend([self.task.get_name(), named.get_name()])
            assert self.task in asyncio.all_tasks()
            await asyncio.sleep(1)
            named.cancel()
            await self.terminate()

        async def work(self) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            ended.append(self.id())
            raise ValueError("told")

    result = distbench.run(Makes, TWO)
    assert names == ["Task-1", "named", "Task-4", "named"]
    assert sorted(ended) == ["n1", "n1", "n2", "n2"]
    told = sorted((failure.node, failure.exception) for failure in result.failures)
    assert told == [("n1", "ValueError: told"), ("n2", "ValueError: told")]


def test_what_cannot_become_a_task_leaves_nothing() -> None:
    async def function(_: Any) -> int:
        loop: Any = asyncio.get_running_loop()
        make: Any = MyTask
        for _ in range(3):
            with pytest.raises(TypeError):
                make("no coroutine", loop=loop)
        return len(loop.tasks())

    first, second = attempt(function)
    assert (first, second) == (0, 1)  # none, and the handler's own once it has waited
