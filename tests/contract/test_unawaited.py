"""A forgotten ``await`` fails its node and says where; what is only cut off does not. And hooks that return one."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import warnings
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from distbench import Algorithm, Outcome, PeerId, RunResult, child_algorithm, config_field, distbench, handler
from tests.contract.play import play as play_in

Run = Callable[..., RunResult]
N1, N2 = PeerId("n1"), PeerId("n2")
logger = logging.getLogger(__name__)


@distbench
class Low(Algorithm):
    async def say(self) -> None: ...


class Bag:
    kept: object


@distbench
class Forgets(Algorithm):
    """Each method beginning with ``forgets_`` has one mistake, in the line that ends in ``# here`` if there is one;
    those beginning with ``fine_`` have none."""

    case: str = config_field(default="")
    low: Low = child_algorithm(Low)

    async def on_start(self) -> None:
        if self.case and not self.case.startswith("at_exit"):
            await getattr(self, self.case)(self.peers[N2])
            await asyncio.sleep(0.03)
        await self.terminate()

    async def on_exit(self) -> None:
        if self.case == "at_exit":
            self.peers[N2].hello("bye")
        if self.case == "at_exit_kept":
            kept = self.peers[N2].hello("bye")  # noqa: F841

    # ---- mistakes

    async def forgets_cast(self, peer: Any) -> None:
        peer.hello("hi")  # here

    async def forgets_call(self, peer: Any) -> None:
        peer.ask("hi")  # here

    async def forgets_name(self, peer: Any) -> None:
        for _ in range(1):
            kept = peer.hello("hi")
            kept = 1  # noqa: F841 # here

    async def forgets_attribute(self, peer: Any) -> None:
        self.kept: Any = peer.hello("hi")
        self.kept = None  # here

    async def forgets_until_return(self, peer: Any) -> None:
        await self.keeps(peer)

    async def keeps(self, peer: Any) -> None:
        kept = peer.hello("hi")  # noqa: F841

    async def forgets_in_function(self, peer: Any) -> None:
        def tell() -> None:
            kept = peer.hello("hi")  # noqa: F841

        tell()  # here

    async def forgets_terminate(self, peer: Any) -> None:
        self.terminate()  # type: ignore[unused-coroutine] # here

    async def forgets_deliver(self, peer: Any) -> None:
        self.low.deliver_message(N1, "x")  # type: ignore[unused-coroutine] # here

    async def forgets_child(self, peer: Any) -> None:
        self.low.say()  # type: ignore[unused-coroutine] # here

    async def forgets_sleep(self, peer: Any) -> None:
        asyncio.sleep(1)  # type: ignore[unused-coroutine] # here

    async def forgets_own_function(self, peer: Any) -> None:
        async def work() -> None: ...

        work()  # type: ignore[unused-coroutine] # here

    async def forgets_list(self, peer: Any) -> None:
        [peer.hello(text) for text in "x"]  # here

    async def forgets_condition(self, peer: Any) -> None:
        assert peer.ask("hi")  # here

    async def forgets_log(self, peer: Any) -> None:
        logger.debug("got %s", peer.ask("hi"))  # here

    async def forgets_in_except(self, peer: Any) -> None:
        try:
            raise LookupError
        except LookupError:
            peer.hello("hi")  # here

    async def forgets_clear(self, peer: Any) -> None:
        waiting = [peer.hello("hi")]
        waiting.clear()  # here

    async def forgets_after_an_exception(self, peer: Any) -> None:
        try:
            raise LookupError
        except LookupError as error:
            self.kept = error  # which refers to this frame
        waiting = [peer.hello("hi")]
        waiting.clear()  # here

    async def forgets_in_handler(self, peer: Any) -> None:
        await peer.forward("hi")

    async def forgets_in_handler_later(self, peer: Any) -> None:
        await peer.forward("later")

    async def forgets_at_end_of_handler(self, peer: Any) -> None:
        await peer.forward("kept")

    async def forgets_returned(self, peer: Any) -> None:
        await peer.forward("returned")

    async def forgets_in_task(self, peer: Any) -> None:
        async def work() -> None:
            await asyncio.sleep(0)
            peer.hello("hi")  # here

        await asyncio.create_task(work())

    async def forgets_at_end_of_task(self, peer: Any) -> None:
        await asyncio.create_task(self.keeps(peer))

    async def forgets_timer(self, peer: Any) -> None:
        asyncio.get_running_loop().call_later(0.001, peer.hello, "hi")

    async def forgets_timer_lambda(self, peer: Any) -> None:
        asyncio.get_running_loop().call_later(0.001, lambda: self.terminate())

    async def forgets_timer_function(self, peer: Any) -> None:
        def tell() -> None:
            peer.hello("hi")  # here

        asyncio.get_running_loop().call_later(0.001, tell)

    async def forgets_soon(self, peer: Any) -> None:
        asyncio.get_running_loop().call_soon(peer.hello, "hi")

    async def forgets_soon_from_a_thread(self, peer: Any) -> None:
        asyncio.get_running_loop().call_soon_threadsafe(peer.hello, "hi")

    async def forgets_at_end_of_callback(self, peer: Any) -> None:
        def tell() -> None:
            kept = peer.hello("hi")  # noqa: F841

        asyncio.get_running_loop().call_soon(tell)

    async def forgets_done_callback(self, peer: Any) -> None:
        task = asyncio.create_task(asyncio.sleep(0))
        task.add_done_callback(lambda task: peer.hello("hi"))
        await task

    async def forgets_in_cycle(self, peer: Any) -> None:
        bag = Bag()
        bag.kept = [bag, peer.hello("hi")]

    async def forgets_in_collected_cycle(self, peer: Any) -> None:
        bag = Bag()
        bag.kept = [bag, peer.hello("hi")]
        del bag
        gc.collect()

    # ---- none

    async def fine_task(self, peer: Any) -> None:
        await asyncio.create_task(peer.hello("x"))

    async def fine_gather(self, peer: Any) -> None:
        await asyncio.gather(peer.hello("x"), peer.ask("y"))

    async def fine_cancelled_at_once(self, peer: Any) -> None:
        asyncio.create_task(peer.hello("x")).cancel()
        gathered = asyncio.gather(peer.hello("x"), peer.hello("y"))
        gathered.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gathered

    async def fine_argument_of_a_cancelled_task(self, peer: Any) -> None:
        asyncio.create_task(asyncio.wait_for(peer.hello("x"), 1)).cancel()

    async def fine_argument_of_a_cancelled_task_that_is_awaited(self, peer: Any) -> None:
        task = asyncio.create_task(asyncio.wait_for(peer.hello("x"), 1))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def fine_group_that_ends_early(self, peer: Any) -> None:
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.wait_for(peer.hello("x"), 1))
                group.create_task(peer.hello("y"))
                raise KeyError

    async def fine_beside_what_raises(self, peer: Any) -> None:
        nothing: dict[str, str] = {}
        with contextlib.suppress(KeyError):
            await asyncio.gather(peer.hello("x"), peer.hello(nothing["y"]))

    async def fine_beside_what_is_cancelled(self, peer: Any) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.gather(peer.hello("x"), peer.hello(await asyncio.sleep(1, "y")))

    async def fine_cancelled_before_the_await(self, peer: Any) -> None:
        async def work() -> None:
            later = peer.hello("x")
            await asyncio.sleep(1)
            await later

        for _ in range(2):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.001):
                    await work()
            try:
                async with asyncio.timeout(0.001):
                    await work()
            except TimeoutError as error:
                logger.debug("%s", error)

    async def fine_cancelled_and_left_to_the_collector(self, peer: Any) -> None:
        async def work() -> None:
            later, errors = peer.hello("x"), []
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError as error:
                errors.append(error)  # which refers to this frame
                raise
            await later

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await work()

    async def fine_raised_before_the_await(self, peer: Any) -> None:
        def work() -> None:
            later = peer.hello("x")  # noqa: F841
            raise KeyError

        with contextlib.suppress(KeyError):
            work()
        try:
            work()
        except KeyError as error:
            logger.debug("%s", error)

    async def fine_cancelled_timer(self, peer: Any) -> None:
        asyncio.get_running_loop().call_later(1, asyncio.create_task, peer.hello("x")).cancel()

    async def fine_handler_that_is_cancelled(self, peer: Any) -> None:
        await peer.forward("cancelled")

    async def fine_at_the_end_of_the_run(self, peer: Any) -> None:
        await peer.forward("never")

    async def fine_ignored_future(self, peer: Any) -> None:
        asyncio.get_running_loop().create_future()

    # ---- handlers

    @handler
    async def hello(self, src: PeerId, text: str) -> None: ...

    @handler
    async def ask(self, src: PeerId, text: str) -> int:
        return 1

    @handler
    async def forward(self, src: PeerId, how: str) -> None:
        peer: Any = self.peers[src]
        if how == "returned":
            return peer.hello("hi")  # type: ignore[no-any-return]
        if how in ("hi", "later"):
            await asyncio.sleep(0.001 if how == "later" else 0)
            peer.hello(how)
        if how == "kept":
            kept = peer.hello(how)  # noqa: F841
        if how == "cancelled":
            later, task = peer.hello(how), asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(1)
            await later
        if how == "never":
            later = peer.hello(how)
            await asyncio.Event().wait()
            await later
        return None


MISTAKES = [name for name in dir(Forgets) if name.startswith("forgets_")] + ["at_exit", "at_exit_kept"]
FINE = [name for name in dir(Forgets) if name.startswith("fine_")]


def place(case: str) -> str:
    """``file.py:41``, the line that is marked in a method, or nothing."""
    lines, first = inspect.getsourcelines(getattr(Forgets, case)) if hasattr(Forgets, case) else ([], 0)
    return next((f"{Path(__file__).name}:{first + n}:" for n, one in enumerate(lines) if "# here" in one), "")


@pytest.mark.parametrize("case", MISTAKES)
def test_a_forgotten_await_fails_its_node_and_says_where(
    run: Run, case: str, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(Forgets, {"n1": {"case": case}, "n2": {}})
    assert (result.outcome, result.exit_status) == ("completed", 1)
    (failure,) = result.failures
    assert failure.node == (N2 if "handler" in case or case == "forgets_returned" else N1)
    assert "was never awaited, so" in failure.exception
    assert "write '" in failure.exception
    assert place(case) in failure.exception
    assert "RuntimeWarning" not in capfd.readouterr().err
    assert len(recwarn) == 0


@pytest.mark.parametrize("case", FINE)
def test_what_is_awaited_or_only_cut_off_fails_nobody(run: Run, case: str) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        result = run(Forgets, {"n1": {"case": case}, "n2": {}})
        assert (result.outcome, result.exit_status, result.failures) == ("completed", 0, ())
        del result
        gc.collect()
    assert [str(each.message) for each in warned] == []


def test_the_message_names_peer_line_and_what_to_write() -> None:
    (failure,) = play_in("offline", Forgets, {"n1": {"case": "forgets_cast"}, "n2": {}}).failures
    assert failure.exception == (
        "DistbenchError: hello() of peer n2 was never awaited, so nothing was sent: "
        f'{place("forgets_cast")} peer.hello("hi")  # here; write \'await peer.hello("hi")\''
    )
    assert failure.handler == "on_start"
    assert "in forgets_cast" in failure.traceback
    assert "in on_start" in failure.traceback
    assert "distbench/node" not in failure.traceback


def test_a_run_is_the_same_with_a_mistake_that_only_the_collector_finds() -> None:
    def digest(case: str) -> tuple[str | None, list[float]]:
        result = play_in("offline", Forgets, {"n1": {"case": case}, "n2": {}}, digest=True)
        return result.digest, [one.at for one in result.failures]

    for case in ("forgets_in_cycle", "forgets_in_collected_cycle"):
        assert digest(case) == digest(case)
    assert digest("forgets_in_cycle") == digest("forgets_in_collected_cycle")


def test_outside_of_a_node_python_warns_as_ever() -> None:
    async def work() -> None: ...

    @distbench
    class Quiet(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

    play_in("offline", Quiet, {"n1": {}})
    with pytest.warns(RuntimeWarning, match="never awaited"):
        work()  # type: ignore[unused-coroutine]


# -------------------------------------------------- hooks


class Later:
    """What can be awaited, and is no coroutine."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, object]:
        yield from asyncio.sleep(0.001).__await__()
        return self.value


@distbench
class LowHooks(Algorithm):
    def on_start(self) -> Awaitable[None]:  # type: ignore[override]
        return self.do("low starts")

    def on_exit(self) -> Awaitable[None]:  # type: ignore[override]
        return self.do("low exits")

    def report(self) -> Any:
        return Later({"done": self.done})

    done: list[str]

    def __init__(self) -> None:
        self.done = []

    async def do(self, what: str) -> None:
        await asyncio.sleep(0)
        self.done.append(what)


@distbench
class Hooks(LowHooks):
    low: LowHooks = child_algorithm(LowHooks)

    def on_start(self) -> Awaitable[None]:  # type: ignore[override]
        return self.begin()

    async def begin(self) -> None:
        await self.do("starts")
        await self.terminate()

    def on_exit(self) -> Any:
        if self.id() == N1:
            self.done.append("exits")
            return Later(None)
        return None


def test_a_hook_may_return_what_can_be_awaited(run: Run) -> None:
    result = run(Hooks, {"n1": {}, "n2": {}})
    assert (result.outcome, result.exit_status) == ("completed", 0)
    low = {"done": ["low starts", "low exits"]}
    assert result.reports == {N1: {"done": ["starts", "exits"], "low": low}, N2: {"done": ["starts"], "low": low}}


def test_a_hook_that_returns_what_nobody_can_await_says_so(run: Run) -> None:
    @distbench
    class Wrong(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        def report(self) -> Any:
            return {"votes": 3}

    (failure,) = run(Wrong, {"n1": {}}).failures
    assert failure.handler == "report"
    assert "write 'async def report(self)'" in failure.exception


@pytest.mark.parametrize("hook", ["on_start", "on_exit", "report"])
def test_a_hook_that_makes_a_coroutine_and_drops_it_fails_its_node(run: Run, hook: str) -> None:
    @distbench
    class Drops(Algorithm):
        async def work(self, here: str) -> Any:
            return here

        async def on_start(self) -> None:
            if hook == "on_start":
                self.work("on_start")  # type: ignore[unused-coroutine]
            await self.terminate()

        async def on_exit(self) -> None:
            if hook == "on_exit":
                return await self.work("fine") and self.work("returned")  # type: ignore[return-value]
            return None

        async def report(self) -> dict[str, object]:
            return self.work("report") if hook == "report" else {}  # type: ignore[return-value]

    result = run(Drops, {"n1": {}})
    assert [(one.handler, one.exception.partition(" was")[0]) for one in result.failures] == [
        (hook, "DistbenchError: work()")
    ]
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 1)
