"""Whatever the algorithm's code raises, wherever, it fails its node, is named once, and the run goes on to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from distbench import Algorithm, CallError, End, PeerId, RunResult, child_algorithm, config_field, distbench, handler
from distbench import message as message_class

Run = Callable[..., RunResult]
N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))


class Own(BaseException):
    """Of no family that anybody knows."""


class Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit("no text")

    __repr__ = __str__


class Broken(Exception):
    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        raise Own("no notes")


SAME = ValueError("the same")
KINDS: dict[str, Callable[[], BaseException]] = {
    "GeneratorExit": GeneratorExit,
    "SystemExit": lambda: SystemExit(0),
    "CancelledError": asyncio.CancelledError,
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
    "BaseExceptionGroup": lambda: BaseExceptionGroup("many", [GeneratorExit(), Own()]),
    "Own": Own,
    "Mute": Mute,
    "Broken": Broken,
    "ValueError": lambda: SAME,
    "KeyboardInterrupt": KeyboardInterrupt,
}
BECOMES = {"StopIteration": "RuntimeError"}
"""What Python makes of it in a coroutine."""
ENDS_NODE = {"on_start", "on_start later", "child on_start", "init"}
IN_TASKS_A_CANCELLATION = {"task", "task later"}


@message_class
class Odd:
    kind: str

    def __post_init__(self) -> None:
        if self.kind:
            raise KINDS[self.kind]()


@distbench
class Low(Algorithm):
    kind: str = config_field(default="")
    place: str = config_field(default="")

    async def on_start(self) -> None:
        if self.place == "child on_start":
            raise KINDS[self.kind]()

    async def up(self) -> None:
        await self.deliver_message(N1, self.kind)

    async def report(self) -> dict[str, object]:
        if self.place == "child report":
            raise KINDS[self.kind]()
        return {}


@distbench
class Raises(Algorithm):
    kind: str = config_field(default="")
    place: str = config_field(default="")
    asks: str = config_field(default="")
    low: Low = child_algorithm(Low)
    said: str = ""

    def __init__(self) -> None:
        self.do("init")

    def do(self, place: str) -> None:
        if self.place == place:
            raise KINDS[self.kind]()

    async def on_start(self) -> None:
        self.do("on_start")
        await asyncio.sleep(0.001)
        self.do("on_start later")
        loop = asyncio.get_running_loop()
        if self.place == "soon":
            loop.call_soon(self.do, "soon")
        elif self.place == "timer":
            loop.call_later(0.001, self.do, "timer")
        elif self.place == "done callback":
            loop.create_task(asyncio.sleep(0)).add_done_callback(lambda task: self.do("done callback"))
        elif self.place in ("task", "task later"):
            self.kept = loop.create_task(self.work())
        elif self.place == "generator":
            async for _ in self.generate():
                break
        elif self.place == "del":
            self.drop()
        elif self.asks:
            try:
                await self.peers[N2].ask("")
            except CallError as error:
                self.said = str(error)
            with contextlib.suppress(CallError):
                await self.peers[N2].tell("")
        await asyncio.sleep(0.02)
        await self.terminate()

    async def work(self) -> None:
        if self.place == "task later":
            await asyncio.sleep(0.001)
        self.do(self.place)

    async def generate(self) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            self.do("generator")

    def drop(self) -> None:
        algorithm = self

        class Leaves:
            def __del__(self) -> None:
                algorithm.do("del")

        Leaves()

    @handler
    async def ask(self, src: PeerId, text: str) -> int:
        self.do("handler")
        if self.place == "handler later":
            await asyncio.sleep(0.001)
            self.do("handler later")
        if self.place == "from_child":
            await self.low.up()
        if self.place == "group":
            async with asyncio.TaskGroup() as group:
                group.create_task(self.group())
        if self.place == "given":
            future = asyncio.get_running_loop().create_future()
            future.set_exception(KINDS[self.kind]())
            await future
        if self.place == "inside":
            try:
                raise LookupError
            finally:
                self.do("inside")
        return 1

    async def group(self) -> None:
        await asyncio.sleep(0)
        self.do("group")

    @handler
    async def tell(self, src: PeerId, text: str) -> None:
        if self.place == "cast":
            self.do("cast")

    @handler(from_child="low")
    async def heard(self, src: PeerId, text: str) -> None:
        self.do("from_child")

    async def on_exit(self) -> None:
        self.do("on_exit")
        await asyncio.sleep(0)
        self.do("on_exit later")

    async def report(self) -> dict[str, object]:
        self.do("report")
        return {"said": self.said}


CALLED = ("handler", "handler later", "from_child", "given", "inside")
PLACES = (
    *("init", "on_start", "on_start later", "child on_start", *CALLED, "group", "cast", "soon", "timer"),
    *("done callback", "task", "task later", "generator", "del", "on_exit", "on_exit later", "report", "child report"),
)


def play(run: Run, kind: str, place: str) -> RunResult:
    bad = {"kind": kind, "place": place, "low": {"kind": kind, "place": place}}
    return run(Raises, {"n1": {"asks": "n2"}, "n2": bad, "n3": {}})


def fails_n2_alone(result: RunResult, kind: str, place: str) -> None:
    assert (result.outcome, result.exit_status) == ("completed", 1)
    assert [one.node for one in result.failures] == [N2], [(one.handler, one.exception) for one in result.failures]
    named = result.failures[0].exception
    wanted = BECOMES.get(kind, kind) if place not in ("init", "soon", "timer", "done callback", "del") else kind
    assert wanted in named or place in ("group", "given", "generator"), named
    assert result.nodes[N2].end is (End.CRASHED if place in ENDS_NODE else End.FAILED)
    assert [result.nodes[node].end for node in (N1, N3)] == [End.TERMINATED] * 2
    if place in CALLED:
        assert result.reports[N1]["said"], "the caller was not told"


def fits(kind: str, place: str, real: bool) -> bool:
    if kind == "KeyboardInterrupt":  # offline it is somebody's Ctrl-C
        return real and place not in ("given", "del")
    if kind == "CancelledError":  # asyncio takes it for the end of a task that was cancelled
        return place not in ("task", "task later", "group", "given", "generator")
    if kind == "GeneratorExit" and place == "generator":
        return False  # that is how a generator ends
    return not (place == "given" and kind == "StopIteration")  # asyncio refuses it


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_in_a_simulation(kind: str, place: str) -> None:
    if not fits(kind, place, real=False):
        return
    from tests.contract.play import play as play_in

    fails_n2_alone(play(lambda *given: play_in("offline", *given), kind, place), kind, place)


@pytest.mark.real_modes
@pytest.mark.parametrize(
    "kind,place",
    [
        *(("SystemExit", place) for place in PLACES),
        *(
            ("GeneratorExit", place)
            for place in ("handler", "handler later", "on_start later", "soon", "task", "report")
        ),
        *(("KeyboardInterrupt", place) for place in ("handler", "handler later", "timer", "task", "on_exit", "init")),
        ("CancelledError", "handler"),
        ("Own", "handler later"),
        ("Mute", "cast"),
        ("BaseExceptionGroup", "on_exit later"),
    ],
)
def test_in_processes(run: Run, kind: str, place: str) -> None:
    assert fits(kind, place, real=True)
    fails_n2_alone(play(run, kind, place), kind, place)


@pytest.mark.parametrize("kind", ["KeyError", "GeneratorExit", "SystemExit"])
@pytest.mark.parametrize("way", ["request", "reply"])
def test_a_message_class_that_cannot_be_made_fails_a_node_and_leaves_no_caller_waiting(
    run: Run, kind: str, way: str
) -> None:
    @message_class
    class Picky:
        bad: bool

        def __post_init__(self) -> None:
            if self.bad:
                raise {"KeyError": KeyError, "GeneratorExit": GeneratorExit, "SystemExit": SystemExit}[kind]("no")

    def spoilt() -> Picky:
        made = Picky(False)
        made.bad = True
        return made

    @distbench
    class Sends(Algorithm):
        said = ""

        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await (self.peers[N2].ask(spoilt()) if way == "request" else self.peers[N2].fetch(None))
                except BaseException as error:
                    self.said = f"{type(error).__name__}: {error}"
                    if type(error).__name__ == "CancelledError":
                        raise
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, picky: Picky) -> int:
            return 1

        @handler
        async def fetch(self, src: PeerId, nothing: None) -> Picky:
            return spoilt()

        async def report(self) -> dict[str, object]:
            return {"said": self.said}

    result = run(Sends, {"n1": {}, "n2": {}})
    assert result.outcome == "completed"
    assert kind in str(result.reports[N1]["said"])


@pytest.mark.real_modes
def test_a_thread_that_raises_fails_its_node(run: Run) -> None:
    import threading

    @distbench
    class Threads(Algorithm):
        async def on_start(self) -> None:
            def work() -> None:
                raise ValueError("in a thread")

            thread = threading.Thread(target=work, name="worker")
            thread.start()
            await asyncio.to_thread(thread.join)
            await self.terminate()

    result = run(Threads, {"n1": {}})
    assert (result.outcome, result.exit_status) == ("completed", 1)
    assert [(one.handler, one.exception) for one in result.failures] == [("thread worker", "ValueError: in a thread")]


def test_a_handler_that_is_closed_is_no_failure(run: Run) -> None:
    @distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            task: Any = asyncio.create_task(asyncio.sleep(1))
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self.terminate()

    assert run(Waits, {"n1": {}}).exit_status == 0
