"""Random asyncio programs: a tree of operations, and what runs it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from tests.node.instant import Notes, Program

Body: TypeAlias = tuple["Op", ...]

SIMPLE: Final = (
    "yield", "sleep", "set", "clear", "wait", "cancel", "cancel soon", "cancel later", "await", "shield", "raise",
    "uncancel", "put", "get", "look",
)  # fmt: skip
NESTED: Final = (
    "spawn", "timeout", "timeout 0", "group", "swallow", "finally", "catch", "wait_for", "wait_for 0", "gather", "lock",
)  # fmt: skip
LIMIT: Final = 100.0
"""Seconds after which everything that still waits is cancelled; all sleeps of a program together take less."""


@dataclass(frozen=True)
class Op:
    """One operation. ``slot`` says which task, event or queue it is about, where it is about one."""

    kind: str
    slot: int = 0
    body: Body = ()
    other: Body = ()

    def __repr__(self) -> str:
        bodies = "".join(f", {body!r}" for body in (self.body, self.other) if body)
        return f"Op({self.kind!r}, {self.slot}{bodies})"


simple = st.builds(Op, st.sampled_from(SIMPLE), st.integers(0, 2))
bodies: st.SearchStrategy[Body] = st.recursive(
    st.lists(simple, max_size=4).map(tuple),
    lambda inner: st.lists(
        simple | st.builds(Op, st.sampled_from(NESTED), st.integers(0, 2), inner, inner), min_size=1, max_size=5
    ).map(tuple),
    max_leaves=8,
)


def walk(body: Body) -> Iterator[Op]:
    """All operations of a body, those inside others included."""
    for op in body:
        yield op
        yield from walk(op.body)
        yield from walk(op.other)


class Play:
    """Runs one program. Every wait is of its own length, so that no two timers are ever due at one time."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.events = [asyncio.Event() for _ in range(3)]
        self.queue: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        self.lock = asyncio.Lock()
        self.tasks: list[asyncio.Task[Any]] = []
        self.waits = (2**number * 1e-6 for number in itertools.count())
        self.actors = itertools.count(1)

    async def all(self, body: Body) -> None:
        """Run a program to its end, whatever waits for ever."""
        loop = asyncio.get_running_loop()
        main = asyncio.current_task()
        assert main is not None
        self.tasks.append(main)
        rounds = 3 + sum(1 for _ in walk(body))
        timers = [loop.call_later(LIMIT * number, self.cancel_all) for number in range(1, rounds)]
        try:
            await self.run("main", body)
        finally:
            for timer in timers:
                timer.cancel()
            self.cancel_all(main)
            while left := [task for task in self.tasks if task != main and not task.done()]:
                try:
                    await asyncio.wait(left, timeout=LIMIT)
                except asyncio.CancelledError:
                    self.notes("main", "cancelled at its end")
                self.cancel_all(main)
            for task in self.tasks:
                if task.done() and not task.cancelled():
                    task.exception()

    def cancel_all(self, besides: object = None) -> None:
        for task in self.tasks:
            if task != besides:
                task.cancel()

    def find(self, slot: int) -> asyncio.Task[Any]:
        return self.tasks[slot % len(self.tasks)]

    def spawn(self, body: Body) -> asyncio.Task[Any]:
        task = asyncio.create_task(self.run(f"t{next(self.actors)}", body))
        self.tasks.append(task)
        return task

    async def run(self, actor: str, body: Body) -> str:
        try:
            for op in body:
                value = await self.step(actor, op)
                self.notes(actor, op.kind, value, self.notes.clock())
        except BaseException as error:
            self.notes(actor, "left by", type(error).__name__, str(error), self.notes.clock())
            raise
        return actor

    async def step(self, actor: str, op: Op) -> object:
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        assert me is not None
        event, task = self.events[op.slot], self.find(op.slot)
        match op.kind:
            case "yield":
                await asyncio.sleep(0)
            case "sleep":
                await asyncio.sleep(next(self.waits))
            case "set":
                event.set()
            case "clear":
                event.clear()
            case "wait":
                return await event.wait()
            case "cancel":
                return task.cancel(actor)
            case "cancel soon":
                loop.call_soon(task.cancel, actor)
            case "cancel later":
                loop.call_later(next(self.waits), task.cancel, actor)
            case "await":
                if task != me and task != self.tasks[0]:
                    return await task
            case "shield":
                if task != me and task != self.tasks[0]:
                    return await asyncio.shield(task)
            case "raise":
                raise ValueError(actor)
            case "uncancel":
                return me.uncancel()
            case "put":
                await self.queue.put(actor)
            case "get":
                return await self.queue.get()
            case "look":
                return me.cancelling(), [each.done() for each in self.tasks], me == asyncio.current_task()
            case "spawn":
                self.spawn(op.body)
            case _:
                return await self.nested(actor, op)
        return None

    async def nested(self, actor: str, op: Op) -> object:
        match op.kind:
            case "timeout" | "timeout 0":
                try:
                    async with asyncio.timeout(0 if op.kind.endswith("0") else next(self.waits)) as limit:
                        await self.run(actor, op.body)
                except TimeoutError:
                    return "timeout"
                return limit.expired()
            case "group":
                try:
                    async with asyncio.TaskGroup() as group:
                        self.tasks.append(group.create_task(self.run(f"t{next(self.actors)}", op.other)))
                        await self.run(actor, op.body)
                except* ValueError as errors:
                    self.notes(actor, [str(error) for error in errors.exceptions])
            case "swallow":
                try:
                    await self.run(actor, op.body)
                except asyncio.CancelledError as error:
                    return str(error)
            case "finally":
                try:
                    await self.run(actor, op.body)
                finally:
                    await self.run(actor, op.other)
            case "catch":
                try:
                    await self.run(actor, op.body)
                except ValueError:
                    return "caught"
            case "wait_for" | "wait_for 0":
                limit_ = 0 if op.kind.endswith("0") else next(self.waits)
                try:
                    return await asyncio.wait_for(self.run(f"t{next(self.actors)}", op.body), limit_)
                except TimeoutError:
                    return "timeout"
            case "gather":
                both = (self.spawn(op.body), self.spawn(op.other))
                found = await asyncio.gather(*both, return_exceptions=bool(op.slot))
                return [str(each) for each in found]
            case "lock":
                async with self.lock:
                    await self.run(actor, op.body)
        return None


def program_of(body: Body) -> Program:
    """The program that runs ``body``."""

    async def program(notes: Notes) -> None:
        await Play(notes).all(body)

    return program
