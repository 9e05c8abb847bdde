"""Finalizers belong to the node whose objects they end, at a fixed point, whoever lets go of the objects."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import subprocess
import sys
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import distbench
from distbench import Algorithm, Outcome, PeerId
from distbench.node.current import current_node
from distbench.simulation.machine import current_machine

TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
KINDS: dict[str, Callable[[Any], Any]] = {}
"""What leaves a cycle behind whose finalizer calls ``leaves.end()``, for an algorithm ``leaves``."""


def kind(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    KINDS[function.__name__] = function
    return function


class Cycle:
    """An object that nothing but the collector ends."""

    def __init__(self, leaves: Any) -> None:
        self.me = self
        self.leaves = leaves


class Dying(Cycle):
    def __del__(self) -> None:
        self.leaves.end()


@kind
def an_object_with_del(leaves: Any) -> Any:
    Dying(leaves)


@kind
def an_object_that_knows_its_node_by_others(leaves: Any) -> Any:
    Dying(Friend(leaves)).other = [{"far": leaves}]  # type: ignore[attr-defined]


class Friend:
    def __init__(self, leaves: Any) -> None:
        self.end = lambda: leaves.end()


@kind
def a_suspended_generator(leaves: Any) -> Any:
    def numbers() -> Iterator[Any]:
        try:
            me = yield 1
            yield me
        finally:
            leaves.end()

    generator: Any = numbers()
    next(generator)
    generator.send(generator)


@kind
def a_suspended_coroutine(leaves: Any) -> Any:
    async def waits(me: list[Any]) -> None:
        try:
            await asyncio.sleep(0)
        finally:
            leaves.end()

    me: list[Any] = []
    me.append(waits(me))
    me[0].send(None)


@kind
def a_weak_reference_with_a_callback(leaves: Any) -> Any:
    cycle = Cycle(leaves)
    leaves.kept.append(weakref.ref(cycle, lambda _: leaves.end()))


@kind
def weakref_finalize(leaves: Any) -> Any:
    weakref.finalize(Cycle(None), leaves.end)


@kind
async def an_asynchronous_generator(leaves: Any) -> Any:
    async def numbers(me: list[Any]) -> Any:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            leaves.end()

    me: list[Any] = []
    me.append(numbers(me))
    await anext(me[0])


def run(algorithm: type[Algorithm]) -> Any:
    result = distbench.run(algorithm, TWO)
    assert (result.failures, result.outcome) == ((), Outcome.COMPLETED)
    return result


class Leaves(Algorithm):
    """Leaves something behind, and goes on until the run has collected it."""

    def leave(self) -> Any: ...

    async def on_start(self) -> None:
        self.kept: list[Any] = []
        self.seen: list[Any] = []
        self.started: list[Any] = []
        await asyncio.sleep(1 if self.id() == "n1" else 2)
        for _ in range(int(self.id()[1]) * 10):
            time.monotonic_ns()  # so that their clocks differ
        left = self.leave()
        if left is not None:
            await left
        await self.over()

    async def over(self) -> None:
        await asyncio.sleep(5)
        await self.terminate()

    def end(self) -> None:
        machine = current_machine.get()
        assert machine is not None
        node: Any = current_node.get()
        reading = time.monotonic_ns()
        self.seen.append((self.id(), node and node.node_id, machine.node_id, uuid.uuid4().hex, reading, self.now()))
        asyncio.get_running_loop().call_soon(self.soon)
        self.task = asyncio.create_task(self.later())
        logging.getLogger(self.id()).warning("ended")

    def soon(self) -> None:
        self.started.append(("soon", current_node.get().node_id))  # type: ignore[union-attr]

    async def later(self) -> None:
        self.started.append(("task", current_node.get().node_id))  # type: ignore[union-attr]
        await asyncio.sleep(0)
        self.started.append(("next", time.monotonic_ns() > 0))


def owned(algorithm: type[Algorithm]) -> list[Any]:
    """What the finalizers saw, which was their own node in all respects."""
    result = run(algorithm)
    seen = []
    for node, instance in result.algorithms.items():
        assert [each[:3] for each in instance.seen] == [(node,) * 3]
        assert instance.started == [("soon", node), ("task", node), ("next", True)]
        seen.append(instance.seen[0][3:])
    assert seen[0][0] != seen[1][0]
    return seen


@pytest.mark.parametrize("name", KINDS)
def test_what_the_collector_ends_at_the_end_of_the_run_ends_in_its_node(name: str) -> None:
    algorithm = distbench.distbench(type(name, (Leaves,), {"leave": lambda self: KINDS[name](self)}))
    assert owned(algorithm) == owned(algorithm)


@pytest.mark.parametrize("name", KINDS)
def test_what_the_collector_ends_in_the_run_ends_in_its_node(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distbench.simulation.loop._COLLECT_EVERY", 10)

    async def over(self: Any) -> None:
        for _ in range(40):
            await asyncio.sleep(0.1)
        assert len(self.seen) == 1
        await self.terminate()

    algorithm = distbench.distbench(type(name, (Leaves,), {"leave": lambda self: KINDS[name](self), "over": over}))
    assert owned(algorithm) == owned(algorithm)


@pytest.mark.parametrize("name", KINDS)
def test_what_a_node_collects_of_others_ends_in_theirs(name: str) -> None:
    async def over(self: Any) -> None:
        await asyncio.sleep(2)
        if self.id() == "n2":
            gc.collect()
        await asyncio.sleep(2)
        assert len(self.seen) == 1
        await self.terminate()

    algorithm = distbench.distbench(type(name, (Leaves,), {"leave": lambda self: KINDS[name](self), "over": over}))
    assert owned(algorithm) == owned(algorithm)


def test_an_asynchronous_generator_that_another_node_lets_go_of_ends_in_its_own() -> None:
    shared: list[Any] = []

    @distbench.distbench
    class Shares(Algorithm):
        async def on_start(self) -> None:
            self.ended: list[Any] = []
            if self.id() == "n1":
                shared.append(self.numbers())
                await anext(shared[0])
            await asyncio.sleep(1)
            if self.id() == "n2":
                shared.clear()
            await asyncio.sleep(1)
            await self.terminate()

        async def numbers(self) -> Any:
            try:
                yield 1
            finally:
                self.ended.append((current_node.get().node_id, self.now()))  # type: ignore[union-attr]

    assert run(Shares).algorithms[PeerId("n1")].ended == [("n1", 1.0)]


def test_a_finalizer_that_leads_to_no_node_sees_no_real_clock() -> None:
    seen: list[Any] = []

    class Orphan:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            seen.append((time.time(), uuid.uuid4().hex, current_node.get()))

    @distbench.distbench
    class Leaver(Algorithm):
        async def on_start(self) -> None:
            Orphan()
            await self.terminate()

    run(Leaver)
    first, seen = seen, []
    run(Leaver)
    assert seen == first
    assert [(each[0] // 1, each[2]) for each in seen] == [(1577836800, None)] * 2


def test_a_finalizer_that_raises_fails_its_node() -> None:
    @distbench.distbench
    class Breaks(Leaves):
        def leave(self) -> None:
            if self.id() == "n2":
                Dying(self)

        def end(self) -> None:
            raise ValueError("at the end")

    failures = distbench.run(Breaks, TWO).failures
    assert [(each.node, each.exception) for each in failures] == [("n2", "ValueError: at the end")]


def test_what_is_refused_in_a_step_is_refused_in_a_finalizer() -> None:
    @distbench.distbench
    class Breaks(Leaves):
        def leave(self) -> None:
            if self.id() == "n1":
                Dying(self)

        def end(self) -> None:
            time.sleep(1)

    [failure] = distbench.run(Breaks, TWO).failures
    assert (failure.node, failure.exception.split(":")[0]) == ("n1", "NondeterminismError")


def test_a_task_that_is_ended_by_force_ends_in_its_node() -> None:
    seen: list[Any] = []

    @distbench.distbench
    class Refuses(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.stays())
            await asyncio.sleep(1)
            await self.terminate()

        async def stays(self) -> None:
            try:
                while True:
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.Event().wait()
            finally:
                seen.append((self.id(), current_node.get().node_id, time.time() // 1))  # type: ignore[union-attr]

    run(Refuses)
    assert seen == [(node, node, 1577836801) for node in ("n1", "n2")]


def test_a_profiler_that_was_there_stays() -> None:
    def profile(*_: object) -> None: ...

    sys.setprofile(profile)
    try:
        run(distbench.distbench(type("Plain", (Leaves,), {})))
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    run(distbench.distbench(type("Plain", (Leaves,), {})))
    assert sys.getprofile() is None


def test_a_node_does_not_switch_the_collector() -> None:
    seen: list[bool] = []

    @distbench.distbench
    class Switches(Algorithm):
        async def on_start(self) -> None:
            gc.enable()
            seen.append(gc.isenabled())
            gc.disable()
            await self.terminate()

    was = gc.isenabled()
    run(Switches)
    assert (seen, gc.isenabled()) == ([False, False], was)


def test_finalizers_come_in_one_order_whatever_the_addresses() -> None:
    """Processes that hash strings differently and allocate differently see the same."""
    code = """
import sys
waste = [bytearray(int(sys.argv[1]) * number % 5000) for number in range(3000)][::2]
from tests.simulation.test_finalizers import *
@distbench.distbench
class Many(Algorithm):
    async def on_start(self):
        self.ended = []
        for number in range(300):
            cycle = Numbered(self, number)
            if number % 3 == 0:
                self.keep = cycle
        await self.terminate()
class Numbered(Cycle):
    def __init__(self, leaves, number):
        super().__init__(leaves)
        self.number, self.others = number, {object() for _ in range(5)}
    def __del__(self):
        self.leaves.ended.append((self.number, time.monotonic_ns()))
result = distbench.run(Many, TWO)
print([algorithm.ended for algorithm in result.algorithms.values()])
"""
    seen = {
        subprocess.run(
            [sys.executable, "-c", code, str(waste)],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for waste in (1, 77, 4096)
    }
    assert len(seen) == 1
    assert "299" in seen.pop()
