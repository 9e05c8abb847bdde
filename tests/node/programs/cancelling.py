"""Cancelling tasks, oneself included."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.node.instant import Notes
from tests.node.programs.listing import after, me, program


@program
async def cancel_a_task_before_it_starts(notes: Notes) -> None:
    async def guarded() -> None:
        try:
            notes("started")
        finally:
            notes("finally")

    task = asyncio.create_task(guarded())
    notes(task.cancel("why"))
    try:
        await task
    except asyncio.CancelledError as error:
        notes("cancelled", str(error), task.cancelled())


@program
async def cancel_a_task_that_waits(notes: Notes) -> None:
    task = asyncio.create_task(after(notes, 5, "a"))
    await asyncio.sleep(1)
    notes(task.cancel("enough"), task.cancelling())
    try:
        await task
    except asyncio.CancelledError as error:
        notes("cancelled", str(error), notes.clock(), task.cancelled(), me().cancelling())


@program
async def a_task_refuses_to_be_cancelled(notes: Notes) -> None:
    async def refuses() -> str:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            notes("refused", me().cancelling(), me().uncancel())
        await asyncio.sleep(1)
        return "done"

    task = asyncio.create_task(refuses())
    await asyncio.sleep(1)
    task.cancel()
    notes(await task, task.cancelled(), notes.clock())


@program
async def cancel_oneself_then_wait(notes: Notes) -> None:
    task = me()
    notes(task.cancel("myself"), task.cancelling())
    try:
        await asyncio.sleep(1)
        notes("not reached")
    finally:
        notes("finally", notes.clock(), task.cancelling())


@program
async def cancel_oneself_then_yield(notes: Notes) -> None:
    me().cancel("myself")
    try:
        await asyncio.sleep(0)
        notes("not reached")
    finally:
        notes("finally", notes.clock())


@program
async def cancel_oneself_then_a_task_group(notes: Notes) -> None:
    me().cancel()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(after(notes, 1, "a"))
    finally:
        notes("finally", notes.clock(), me().cancelling())


@program
async def cancel_oneself_twice_and_recover(notes: Notes) -> None:
    task = me()
    task.cancel()
    task.cancel()
    notes(task.cancelling())
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        notes("caught", task.cancelling(), task.uncancel(), task.uncancel(), task.uncancel())
    await after(notes, 1, "more")


@program
async def cancel_oneself_and_take_it_back(notes: Notes) -> None:
    task = me()
    task.cancel()
    notes(task.uncancel(), task.cancelling())
    try:
        await asyncio.sleep(1)
        notes("slept")
    except asyncio.CancelledError:
        notes("cancelled all the same", task.cancelling())
    await after(notes, 1, "more")


@program
async def cancel_twice_and_take_one_back(notes: Notes) -> None:
    task = me()
    task.cancel()
    task.cancel()
    notes(task.uncancel(), task.cancelling())
    try:
        await asyncio.sleep(1)
        notes("slept")
    except asyncio.CancelledError:
        notes("cancelled", task.cancelling())


@program
async def cancelled_by_a_callback_while_it_waits(notes: Notes) -> None:
    task = me()
    asyncio.get_running_loop().call_soon(task.cancel, "soon")
    try:
        await asyncio.sleep(5)
    finally:
        notes("finally", notes.clock(), task.cancelling())


@program
async def cancelled_by_a_timer_while_it_waits(notes: Notes) -> None:
    task = me()
    asyncio.get_running_loop().call_later(1, task.cancel, "later")
    try:
        await asyncio.sleep(5)
    finally:
        notes("finally", notes.clock(), task.cancelling())


@program
async def cancelled_by_its_own_task(notes: Notes) -> None:
    parent = me()

    async def cancels() -> None:
        notes("cancels", parent.done(), parent.cancel(), parent == me())

    child = asyncio.create_task(cancels())
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        notes("caught", notes.clock(), parent.uncancel())
    await child


@program
async def a_cancel_reaches_what_is_waited_for(notes: Notes) -> None:
    inner = asyncio.create_task(after(notes, 5, "inner"))
    task = me()
    asyncio.get_running_loop().call_soon(task.cancel)
    try:
        await inner
    except asyncio.CancelledError:
        notes("outer", inner.cancelled())
        raise


@program
async def a_cancel_reaches_a_future_that_is_done_already(notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    task = me()
    loop.call_soon(future.set_result, "value")
    loop.call_soon(task.cancel)
    try:
        notes(await future)
    finally:
        notes("finally", future.done(), future.cancelled())


@program
async def a_cancel_reaches_a_future_that_failed_already(notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    task = me()
    loop.call_soon(future.set_exception, ValueError("bad"))
    loop.call_soon(task.cancel)
    try:
        notes(await future)
    finally:
        notes("finally", future.done(), future.cancelled())


@program
async def cleanup_may_wait(notes: Notes) -> None:
    task = me()
    asyncio.get_running_loop().call_later(1, task.cancel)
    try:
        await asyncio.sleep(5)
    finally:
        await after(notes, 2, "cleanup")


@program
async def a_suppressed_cancel(notes: Notes) -> None:
    me().cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(1)
    notes(me().cancelling())
    await after(notes, 1, "more")
