"""Asyncio's own objects iterate alike in every process, whatever their addresses."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench import Algorithm, Outcome, PeerId

ONE: dict[str, dict[str, object]] = {"n1": {}}
Program = Callable[[Any], Any]
PROGRAMS: dict[str, Program] = {}
"""What gives the same in every process."""


def program(function: Program) -> Program:
    PROGRAMS[function.__name__] = function
    return function


class OwnFuture(asyncio.Future[Any]):
    """Somebody's own."""


class OwnerFuture(OwnFuture): ...


class OwnTask(asyncio.Task[Any]): ...


class OwnQueue(asyncio.Queue[int]):
    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label


async def nothing() -> None: ...


def scattered(make: Callable[[], Any]) -> list[int]:
    """The numbers of objects, in the order in which a set of them iterates."""
    waste = [bytearray(size * 37 % 900) for size in range(50)]
    made = []
    for number in range(40):
        made.append(make())
        waste.append(bytearray(len(waste) * int(os.environ.get("WASTE", "1")) % 700 + number))
    order = [id(each) for each in made]
    found = [order.index(id(each)) for each in set(made)]
    assert all(each in set(made) for each in made)
    return found


KINDS: dict[str, Callable[[], Any]] = {
    "lock": asyncio.Lock,
    "event": asyncio.Event,
    "condition": asyncio.Condition,
    "semaphore": asyncio.Semaphore,
    "bounded semaphore": asyncio.BoundedSemaphore,
    "barrier": lambda: asyncio.Barrier(2),
    "queue": asyncio.Queue,
    "priority queue": asyncio.PriorityQueue,
    "own queue": lambda: OwnQueue("label"),
    "task group": asyncio.TaskGroup,
    "timeout": lambda: asyncio.timeout(5),
    "timeout_at": lambda: asyncio.timeout_at(5),
    "future": lambda: asyncio.get_running_loop().create_future(),
    "future by its class": lambda: asyncio.Future(),
    "own future": lambda: OwnFuture(loop=asyncio.get_running_loop()),
    "derived from an own future": lambda: OwnerFuture(loop=asyncio.get_running_loop()),
    "task": lambda: asyncio.create_task(nothing()),
    "own task": lambda: OwnTask(nothing(), loop=asyncio.get_running_loop()),
    "gathering": lambda: asyncio.gather(asyncio.get_running_loop().create_future()),
    "shield": lambda: asyncio.shield(asyncio.get_running_loop().create_future()),
    "handle": lambda: asyncio.get_running_loop().call_soon(int),
    "timer": lambda: asyncio.get_running_loop().call_later(50, int),
}


@program
async def sets(_: Any) -> Any:
    found = {}
    for name, make in KINDS.items():
        found[name] = scattered(make)
    for handle in asyncio.all_tasks() - {asyncio.current_task()}:
        handle.cancel()
    return found


@program
async def a_class_of_the_run(_: Any) -> Any:
    class Future(asyncio.Future[Any]): ...

    class Task(asyncio.Task[Any]): ...

    loop = asyncio.get_running_loop()
    return scattered(lambda: Future(loop=loop)), scattered(lambda: Task(nothing(), loop=loop))


def coroutines(ran: list[int]) -> list[Any]:
    async def work(number: int) -> int:
        ran.append(number)
        await asyncio.sleep(0)
        return number

    made = []
    for number in range(12):
        made.append(work(number))
        asyncio.Event().waste = bytearray(number * int(os.environ.get("WASTE", "1")) % 700)  # type: ignore[attr-defined]
    return made


def gathering(function: Callable[[Any, list[int]], Any]) -> None:
    async def gathers(self: Any) -> Any:
        ran: list[int] = []
        results = await function(self, ran)
        assert ran == list(range(12))
        return ran, results

    PROGRAMS[function.__name__] = gathers


@gathering
async def gather_a_set_made_for_it(_: Any, ran: list[int]) -> Any:
    return await asyncio.gather(*{each for each in coroutines(ran)})  # noqa: C416


@gathering
async def gather_a_set_of_a_list(_: Any, ran: list[int]) -> Any:
    return await asyncio.gather(*set(coroutines(ran)), return_exceptions=True)


@gathering
async def gather_between_others(_: Any, ran: list[int]) -> Any:
    first, *several, last = coroutines(ran)
    return await asyncio.gather(first, *{each for each in several}, last)  # noqa: C416


@gathering
async def gather_a_named_set(_: Any, ran: list[int]) -> Any:
    named = set(coroutines(ran))
    results = await asyncio.gather(*named)
    assert sorted(results) == list(range(12))


@gathering
async def gather_a_set_of_the_algorithm(self: Any, ran: list[int]) -> Any:
    self.named = frozenset(coroutines(ran))
    self.results = await asyncio.gather(*self.named)
    assert [await asyncio.sleep(0, number) for number in sorted(self.results)] == list(range(12))


@gathering
async def gather_what_a_function_returned(_: Any, ran: list[int]) -> Any:
    def made() -> set[Any]:
        return set(coroutines(ran))

    assert sorted(await asyncio.gather(*made())) == list(range(12))


@gathering
async def gather_a_list_of_a_set(_: Any, ran: list[int]) -> Any:
    named = set(coroutines(ran))
    assert sorted(await asyncio.gather(*list(named))) == list(range(12))


@gathering
async def gather_a_union(_: Any, ran: list[int]) -> Any:
    made = coroutines(ran)
    some, more = set(made[:6]), made[6:]
    return await asyncio.gather(*(some | {*more}))


@gathering
async def as_completed_of_a_set(_: Any, ran: list[int]) -> Any:
    return [await each for each in asyncio.as_completed(set(coroutines(ran)))]


@gathering
async def as_completed_of_a_frozen_set_with_a_limit(_: Any, ran: list[int]) -> Any:
    return [await each for each in asyncio.as_completed(frozenset(coroutines(ran)), timeout=3)]


def run(name: str) -> Any:
    @distbench.distbench
    class Runs(Algorithm):
        async def on_start(self) -> None:
            self.found = await PROGRAMS[name](self)
            await self.terminate()

    result = distbench.run(Runs, ONE)
    assert (result.failures, result.outcome) == ((), Outcome.COMPLETED)
    return result.algorithms[PeerId("n1")].found  # type: ignore[attr-defined]


ALL = """
import sys
waste = [bytearray(int(sys.argv[1]) * number % 3000) for number in range(3000)][::3]
from tests.simulation.test_numbering import *
for name in PROGRAMS:
    print(name, run(name))
"""


def test_every_program_gives_the_same_in_processes_whose_addresses_differ() -> None:
    def found(waste: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": "0", "WASTE": waste}
        command = [sys.executable, "-c", ALL, waste]
        root = Path(__file__).parents[2]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=root).stdout

    first, *others = (found(waste).splitlines() for waste in ("1", "77", "4096"))
    assert len(first) == len(PROGRAMS)
    for other in others:
        assert other == first


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_repeats_in_one_process(name: str) -> None:
    assert run(name) == run(name)


def test_a_list_is_gathered_in_its_own_order() -> None:
    @distbench.distbench
    class Lists(Algorithm):
        async def on_start(self) -> None:
            self.ran: list[int] = []
            backwards = coroutines(self.ran)[::-1]
            assert await asyncio.gather(*backwards) == list(range(12))[::-1]
            await asyncio.gather(*sorted(coroutines(self.ran), key=lambda each: -each.cr_frame.f_locals["number"]))
            await asyncio.gather(*(each for each in reversed(coroutines(self.ran))))
            await self.terminate()

    result = distbench.run(Lists, ONE)
    assert result.failures == ()
    assert result.algorithms[PeerId("n1")].ran == list(range(12))[::-1] * 3  # type: ignore[attr-defined]


def test_what_a_node_made_is_found_in_its_set_when_the_run_is_over() -> None:
    @distbench.distbench
    class Keeps(Algorithm):
        async def on_start(self) -> None:
            self.kept = {make() for name, make in KINDS.items() if name != "gathering"}
            await self.terminate()

    kept = distbench.run(Keeps, ONE).algorithms[PeerId("n1")].kept  # type: ignore[attr-defined]
    assert [each in kept for each in list(kept)] == [True] * (len(KINDS) - 1)


def test_what_was_made_outside_keeps_its_hash() -> None:
    lock, queue = asyncio.Lock(), OwnQueue("outside")
    outside = {lock: 1, queue: 2}

    @distbench.distbench
    class Looks(Algorithm):
        async def on_start(self) -> None:
            assert (outside[lock], outside[queue]) == (1, 2)
            await self.terminate()

    assert distbench.run(Looks, ONE).failures == ()
    assert (outside[lock], hash(lock), hash(queue)) == (1, object.__hash__(lock), object.__hash__(queue))


def test_futures_of_another_loop_hash_as_they_did() -> None:
    loop = asyncio.new_event_loop()
    try:
        future = OwnFuture(loop=loop)
        before = hash(future)
        run("sets")
        assert hash(future) == before == object.__hash__(future)
    finally:
        loop.close()
