"""The current task, context variables, asynchronous generators, mistakes."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.node.instant import Notes
from tests.node.programs.listing import after, me, program


@program
async def the_current_task_is_one(notes: Notes) -> None:
    first = me()
    notes(first == me(), first.done(), first.cancelled(), first.cancelling(), isinstance(first.get_name(), str))
    first.set_name("renamed")
    table = {first: "found"}
    await asyncio.sleep(0)
    notes(first == me(), hash(first) == hash(me()), me().get_name(), first.get_name())
    notes(table[first], table.get(me()), me() in {first}, first in {me()})
    first.set_name("again")
    notes(me().get_name(), first.get_loop() is me().get_loop() is asyncio.get_running_loop())
    await asyncio.sleep(1)
    notes(first == me(), first.uncancel(), me().cancelling())


@program
async def another_task_waits_for_this_one(notes: Notes) -> None:
    parent = me()
    waiting = asyncio.create_task(asyncio.wait({parent}, timeout=1))
    await asyncio.sleep(2)
    done, pending = await waiting
    notes(len(done), len(pending), parent in pending, notes.clock())


@program
async def who_is_running_changes_with_the_task(notes: Notes) -> None:
    parent = me()

    async def child() -> bool:
        return parent == me()

    notes(await asyncio.create_task(child()), parent == me())
    seen: list[object] = []
    asyncio.get_running_loop().call_soon(lambda: seen.append(asyncio.current_task()))
    await asyncio.sleep(0)
    notes(seen)


@program
async def this_task_is_among_all(notes: Notes) -> None:
    await asyncio.sleep(0)
    other = asyncio.create_task(after(notes, 1, "a"))
    everyone = asyncio.all_tasks()
    notes(me() in everyone, other in everyone, len(everyone - {me()}))
    await other


_VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@program
async def context_variables(notes: Notes) -> None:
    notes(_VARIABLE.get())
    token = _VARIABLE.set("first")
    await asyncio.sleep(0)
    notes(_VARIABLE.get())

    async def child() -> None:
        notes("child", _VARIABLE.get())
        _VARIABLE.set("child's")
        await asyncio.sleep(0)
        notes("child", _VARIABLE.get())

    await asyncio.create_task(child())
    notes(_VARIABLE.get())
    await asyncio.create_task(child(), context=contextvars.Context())
    asyncio.get_running_loop().call_soon(lambda: notes("callback", _VARIABLE.get()))
    _VARIABLE.set("second")
    await asyncio.sleep(1)
    _VARIABLE.reset(token)
    notes(_VARIABLE.get())


@program
async def a_generator_is_iterated(notes: Notes) -> None:
    async def counts() -> AsyncIterator[int]:
        try:
            for number in range(3):
                await asyncio.sleep(0.5)
                yield number
        finally:
            await asyncio.sleep(0.5)
            notes("finally", notes.clock())

    async for number in counts():
        notes(number, notes.clock())
    notes([number async for number in counts()])


@program
async def a_generator_is_closed_by_hand(notes: Notes) -> None:
    async def counts() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(1)
            notes("finally", notes.clock())

    generator: Any = counts()
    notes(await anext(generator))
    await generator.aclose()
    notes("closed")


@program
async def a_dropped_generator_is_finalised(notes: Notes) -> None:
    async def counts() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(1)
            notes("finally", notes.clock())

    async for number in counts():
        notes(number)
        break
    await asyncio.sleep(3)
    notes("end")


@program
async def an_asynchronous_context_manager(notes: Notes) -> None:
    @asynccontextmanager
    async def manages() -> AsyncIterator[str]:
        await asyncio.sleep(1)
        try:
            yield "inside"
        finally:
            await asyncio.sleep(1)
            notes("left", notes.clock())

    async with manages() as name:
        notes(name, notes.clock())
        raise ValueError("body")


@program
async def waiting_for_what_is_no_future(notes: Notes) -> None:
    class Odd:
        def __await__(self) -> Any:
            yield 5

    await Odd()


@program
async def a_loop_inside_the_loop(notes: Notes) -> None:
    other = after(notes, 1, "a")
    try:
        asyncio.run(other)
    finally:
        other.close()


@program
async def an_exception_in_a_callback_does_not_end_the_task(notes: Notes) -> None:
    heard: list[str] = []

    def done(task: asyncio.Task[str]) -> None:
        heard.append(task.result())

    task = asyncio.create_task(after(notes, 1, "a"))
    task.add_done_callback(done)
    notes(task.remove_done_callback(done))
    task.add_done_callback(done)
    await task
    await asyncio.sleep(0)
    notes(heard)
