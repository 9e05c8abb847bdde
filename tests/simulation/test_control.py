"""What the simulation controls while it runs, and that all of it is taken back."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime
import gc
import os
import platform
import queue
import random
import resource
import secrets
import select
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import weakref
from collections.abc import Awaitable, Callable
from datetime import datetime as moment
from random import randint
from time import time as seconds
from typing import Any
from uuid import uuid1

import nacl.bindings
import pytest

import distbench
from distbench import Algorithm, Outcome, PeerId, handler
from tests.simulation.steps import ONE, TWO, run_at_a_node

N1, N2 = PeerId("n1"), PeerId("n2")


# -------------------------------------------------- controlled


ENTROPY: list[Callable[[], Any]] = [
    lambda: os.urandom(8), lambda: uuid.uuid4(), lambda: uuid.uuid1(), lambda: uuid1(), lambda: random.random(),
    lambda: randint(1, 10**12), lambda: random.Random().random(), lambda: random.SystemRandom().random(),
    lambda: secrets.token_hex(8), lambda: secrets.randbits(64), lambda: random.sample(range(10**6), 3),
    lambda: random.getrandbits(40), lambda: random.randbytes(5),
]  # fmt: skip


@pytest.mark.parametrize("step", ENTROPY)
def test_entropy_repeats_and_differs_between_nodes(step: Callable[[], Any]) -> None:
    first, second = run_at_a_node(step, TWO), run_at_a_node(step, TWO)
    assert first == second
    assert len(set(map(str, first))) == len(first)


def test_what_was_drawn_outside_does_not_matter_and_is_not_disturbed() -> None:
    random.seed(5)
    wanted = [random.random() for _ in range(4)]
    random.seed(5)
    found = [random.random()]
    first = run_at_a_node(random.random)
    found += [random.random(), random.random()]
    assert run_at_a_node(lambda: random.random()) == run_at_a_node(lambda: random.random())
    found.append(random.random())
    assert found == wanted
    assert len(first) == 4


def test_seeding_the_module_random_inside_a_node_stays_inside() -> None:
    random.seed(5)
    wanted = random.random()
    random.seed(5)
    seen: list[float] = []

    def step() -> None:
        random.seed(7)
        seen.append(random.random())

    run_at_a_node(step)
    assert set(seen) == {random.Random(7).random()}
    assert random.random() == wanted


def test_a_datetime_inside_is_a_datetime_outside() -> None:
    seen: list[Any] = []
    before = moment(2020, 1, 2)

    def step() -> None:
        now = datetime.datetime.now()
        made = datetime.datetime(2020, 1, 2)
        assert isinstance(now, datetime.datetime)
        assert isinstance(now, datetime.date)
        assert isinstance(before, datetime.datetime)
        assert issubclass(moment, datetime.datetime)
        assert made == before
        assert datetime.datetime.fromtimestamp(0, datetime.UTC).year == 1970
        assert datetime.datetime.strptime("2020-01-02", "%Y-%m-%d") == before
        assert datetime.datetime.fromisoformat("2020-01-02") == before
        assert datetime.datetime.combine(datetime.date(2020, 1, 2), datetime.time()) == before
        assert datetime.date.today() == now.date()
        assert now + datetime.timedelta(days=1) > now
        seen.extend([now, made])

    run_at_a_node(step)
    assert {type(each) for each in seen} == {moment}


def test_a_class_that_is_defined_inside_inherits_from_the_real_one() -> None:
    future, task, date = asyncio.Future, asyncio.Task, datetime.date
    seen: list[Any] = []

    def step() -> None:
        class Made(asyncio.Future[int]):
            def __init__(self, name: str) -> None:
                super().__init__()
                self.name = name

        class Awaited(asyncio.Future[int], Awaitable[int]): ...

        class Moment(datetime.datetime):
            def __new__(cls, year: int) -> Any:
                return super().__new__(cls, year, 1, 1)

        class Sub(asyncio.Task[int]): ...

        class Day(datetime.date): ...

        class Monday(Day): ...

        assert isinstance(asyncio.get_running_loop().create_future(), asyncio.Future)
        assert not isinstance(asyncio.get_running_loop().create_future(), (Made, Awaited))
        assert not isinstance(datetime.datetime(2020, 1, 1), (Moment, Monday))
        assert issubclass(Made, asyncio.Future)
        assert Made("made").name == "made"
        assert type(Moment(2020)) is Moment
        assert not Made("made").done()
        seen.extend([Made, Awaited, Moment, Sub, Day, Monday, Made("kept"), Moment(2020), Monday(2020, 1, 1)])

    run_at_a_node(step)
    made, awaited, moments, sub, day, monday, *kept = seen[:9]
    bases = [made.__bases__[0], awaited.__bases__[0], moments.__bases__, sub.__bases__, monday.__mro__[1:3]]
    assert bases == [future, future, (moment,), (task,), (day, date)]
    assert [type(each) for each in kept] == [made, moments, monday]
    assert {type(cls) for cls in (made, moments, sub, day, monday)} == {type}
    assert type(moments(2021)) is moments
    assert not isinstance(kept[0], awaited)


def test_other_threads_keep_the_real_clock_and_may_sleep() -> None:
    seen: list[float] = []
    began, done = threading.Event(), threading.Event()

    def outside() -> None:
        began.wait()
        time.sleep(0)
        seen.append(time.time())
        seen.append(seconds())
        seen.append(len(os.urandom(4)))
        done.set()

    thread = threading.Thread(target=outside)
    thread.start()

    def step() -> None:
        began.set()
        assert contextvars.Context().run(done.wait, 10)  # a node itself may not

    run_at_a_node(step)
    thread.join()
    assert min(seen[:2]) > 1e9


# -------------------------------------------------- taken back


MODULES: tuple[Any, ...] = (
    time, os, random, uuid, datetime, asyncio, asyncio.tasks, threading, sys.modules["_thread"], queue, select, signal,
    socket, ssl, platform, resource, tempfile, nacl.bindings, sys.modules[__name__],
)  # fmt: skip
NAMES: Any = tempfile.__dict__["_RandomNameSequence"]
CLASSES: tuple[Any, ...] = (
    threading.Thread, threading.Condition, socket.socket, subprocess.Popen, random.Random, selectors.SelectSelector,
    selectors.PollSelector, selectors.EpollSelector, NAMES,
)  # fmt: skip


def patched() -> dict[str, Any]:
    """All that a simulation replaces, as it is now."""
    found: dict[str, Any] = {
        f"{module.__name__}.{name}": value
        for module in MODULES
        for name, value in vars(module).items()
        # Weak sets of tasks compare by what is in them, which the garbage collector changes at any moment.
        if not name.startswith("__") and not isinstance(value, weakref.WeakSet)
    }
    for owner in CLASSES:
        found.update({f"{owner.__name__}.{name}": value for name, value in vars(owner).items()})
    found["random state"] = random.getstate()
    found["gc"] = gc.isenabled()
    found["hooks"] = tuple(sys.get_asyncgen_hooks())
    found["loop"] = asyncio._get_running_loop()
    return found


def changed(before: dict[str, Any]) -> list[str]:
    """What is not as it was. Tasks that stay behind are seen by the fixture that watches over all tests."""
    now = patched()
    return [name for name in {**before, **now} if name not in before or name not in now or before[name] != now[name]]


@distbench.distbench
class Ordinary(Algorithm):
    """A bit of everything."""

    async def on_start(self) -> None:
        assert seconds() == 1577836800
        self.task = asyncio.create_task(asyncio.Event().wait())
        self.generator = self.numbers()
        await anext(self.generator)
        await asyncio.sleep(1)
        for peer in self.peers.values():
            await peer.ask(1)
        await self.terminate()

    async def numbers(self) -> Any:
        yield 1
        yield 2

    @handler
    async def ask(self, src: PeerId, number: int) -> int:
        return number


def fails_badly(how: str) -> None:
    """A run that ends with an exception out of ``distbench.run``, or early."""

    class Sink:
        def __call__(self, event: object) -> None:
            raise MemoryError("a mistake of our own")

    @distbench.distbench
    class Bad(Ordinary):
        def __init__(self) -> None:
            super().__init__()
            if how == "init":
                raise distbench.ConfigError("init")
            if how == "interrupt in init":
                raise KeyboardInterrupt

        async def on_start(self) -> None:
            if how == "interrupt":
                raise KeyboardInterrupt
            if how == "failure":
                raise ValueError("failure")
            await super().on_start()

    with contextlib.suppress(distbench.ConfigError, KeyboardInterrupt):
        distbench.run(Bad, TWO)


@pytest.mark.parametrize("how", ["fine", "failure", "interrupt", "init", "interrupt in init"])
def test_everything_is_taken_back_after_a_run(how: str) -> None:
    fails_badly(how)  # the first run of a process also imports what a run needs
    before = patched()
    fails_badly(how)
    assert changed(before) == []


def test_everything_is_taken_back_when_the_simulation_itself_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("a mistake of our own")

    with monkeypatch.context() as patch:
        patch.setattr("distbench.simulation.network.SimLink.happen", broken)
        before = patched()
        with pytest.raises(MemoryError):
            distbench.run(Ordinary, TWO)
        assert changed(before) == []
    assert distbench.run(Ordinary, TWO).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("enabled", [False, True])
def test_the_garbage_collector_is_left_as_it_was(enabled: bool) -> None:
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        distbench.run(Ordinary, TWO)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


def test_runs_that_overlap_in_threads_take_back_only_with_the_last() -> None:
    before = patched()
    inside, go_on = threading.Barrier(2), threading.Event()

    @distbench.distbench
    class Long(Algorithm):
        async def on_start(self) -> None:
            outside = contextvars.Context()  # a node itself may not wait
            outside.run(inside.wait, 10)
            outside.run(go_on.wait, 10)
            assert seconds() < time.time() < 1577836801
            await self.terminate()

    results: list[distbench.RunResult] = []
    thread = threading.Thread(target=lambda: results.append(distbench.run(Long, ONE)))
    thread.start()
    inside.wait(10)
    distbench.run(Ordinary, TWO)
    assert time.time() > 1e9
    assert not gc.isenabled()
    go_on.set()
    thread.join()
    assert (results[0].failures, changed(before)) == ((), [])


def count(*modules: str) -> dict[str, int]:
    """Objects of the classes of these modules that are alive."""
    gc.collect()
    counts: dict[str, int] = {}
    for each in gc.get_objects():
        cls = type(each)
        if str(cls.__module__).startswith(modules):  # a metaclass of C code has another thing there
            counts[cls.__qualname__] = counts.get(cls.__qualname__, 0) + 1
    return counts


def test_a_hundred_runs_leave_nothing() -> None:
    watched = ("distbench.node", "distbench.simulation", "distbench.running", "distbench.peer", __name__)
    for seed in range(3):
        distbench.run(Ordinary, TWO, seed=seed)
    before, state = count(*watched), patched()
    for seed in range(100):
        distbench.run(Ordinary, TWO, seed=seed, digest=seed % 2 == 0)
    assert changed(state) == []
    after = count(*watched)  # what an earlier test still held before may be gone by now
    assert {name: number for name, number in after.items() if number > before.get(name, 0)} == {}


# -------------------------------------------------- inside a running loop


def test_a_run_inside_a_running_loop_disturbs_it_not() -> None:
    heard: list[object] = []

    async def other() -> str:
        for _ in range(5):
            await asyncio.sleep(0)
        return "other"

    async def cell() -> str:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        background = asyncio.create_task(other())
        await asyncio.sleep(0)
        for _ in range(3):
            result = distbench.run(Ordinary, TWO)
            assert result.outcome is Outcome.COMPLETED
            assert (asyncio.get_running_loop(), asyncio.current_task()) == (loop, task)
        assert asyncio.all_tasks() == {task, background}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        async for number in numbers():
            heard.append(number)
            break
        return await background

    async def numbers() -> Any:
        try:
            yield 1
            yield 2
        finally:
            heard.append("closed")

    before = patched()
    assert asyncio.run(cell()) == "other"
    assert heard == [1, "closed"]
    assert changed(before) == []


def test_the_digest_is_the_same_inside_a_running_loop() -> None:
    async def cell() -> distbench.RunResult:
        return distbench.run(Ordinary, TWO, digest=True)

    assert asyncio.run(cell()).digest == distbench.run(Ordinary, TWO, digest=True).digest
