"""Several tasks together."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.node.instant import Notes
from tests.node.programs.listing import after, fails, me, program


@program
async def gather_returns_in_order(notes: Notes) -> None:
    notes(await asyncio.gather(after(notes, 2, "a"), after(notes, 1, "b"), after(notes, 3, "c")))
    notes(await asyncio.gather())


@program
async def gather_raises_the_first_exception(notes: Notes) -> None:
    try:
        await asyncio.gather(after(notes, 2, "a"), fails(notes, 1, "b"))
    except ValueError as error:
        notes(str(error), notes.clock())
    await asyncio.sleep(5)


@program
async def gather_returns_exceptions(notes: Notes) -> None:
    found = await asyncio.gather(fails(notes, 2, "a"), after(notes, 1, "b"), return_exceptions=True)
    notes([str(each) for each in found])


@program
async def gather_is_cancelled(notes: Notes) -> None:
    both = asyncio.gather(after(notes, 2, "a"), after(notes, 3, "b"))
    asyncio.get_running_loop().call_later(1, both.cancel)
    await both


@program
async def task_group_waits_for_all(notes: Notes) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(after(notes, 2, "a"))
        group.create_task(after(notes, 1, "b"))
        notes("inside")
    notes(first.result(), notes.clock())


@program
async def task_group_without_tasks(notes: Notes) -> None:
    async with asyncio.TaskGroup():
        notes("inside")
    notes("outside")


@program
async def task_group_of_tasks_that_do_not_wait(notes: Notes) -> None:
    async def quick(name: str) -> None:
        notes(name)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(quick(name))
    notes("outside", notes.clock())


@program
async def task_group_with_a_failing_child(notes: Notes) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(after(notes, 3, "a"))
            group.create_task(fails(notes, 1, "b"))
            await after(notes, 5, "body")
    except* ValueError as errors:
        notes([str(each) for each in errors.exceptions], notes.clock())
    notes(me().cancelling())
    await after(notes, 1, "more")


@program
async def task_group_whose_child_fails_at_once(notes: Notes) -> None:
    async def fail() -> None:
        raise ValueError("at once")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(after(notes, 3, "a"))
            await asyncio.sleep(0)
            notes("body goes on")
            await after(notes, 5, "body")
    except* ValueError as errors:
        notes([str(each) for each in errors.exceptions], notes.clock(), me().cancelling())
    await after(notes, 1, "more")


@program
async def task_group_whose_body_raises(notes: Notes) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(after(notes, 3, "a"))
            raise ValueError("body")
    except* ValueError as errors:
        notes([str(each) for each in errors.exceptions], notes.clock())


@program
async def task_group_whose_body_raises_after_a_wait(notes: Notes) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(after(notes, 3, "a"))
            await asyncio.sleep(1)
            raise ValueError("body")
    except* ValueError as errors:
        notes([str(each) for each in errors.exceptions], notes.clock())


@program
async def task_group_whose_parent_is_cancelled(notes: Notes) -> None:
    task = me()
    asyncio.get_running_loop().call_later(1, task.cancel)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(after(notes, 3, "a"))
            notes("inside")
    finally:
        notes("left", notes.clock(), task.cancelling())


@program
async def task_group_whose_parent_is_cancelled_at_once(notes: Notes) -> None:
    task = me()
    asyncio.get_running_loop().call_soon(task.cancel)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(after(notes, 3, "a"))
    finally:
        notes("left", notes.clock(), task.cancelling())


@program
async def task_groups_in_one_another(notes: Notes) -> None:
    try:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(after(notes, 5, "outer"))
            async with asyncio.TaskGroup() as inner:
                inner.create_task(fails(notes, 1, "x"))
                inner.create_task(fails(notes, 2, "y"))
    except* ValueError as errors:
        notes(repr(errors), notes.clock(), me().cancelling())


@program
async def task_group_under_a_timeout(notes: Notes) -> None:
    try:
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            group.create_task(after(notes, 3, "a"))
    except TimeoutError:
        notes("timeout", notes.clock(), me().cancelling())


@program
async def timeout_of_zero_around_a_task_group(notes: Notes) -> None:
    try:
        async with asyncio.timeout(0), asyncio.TaskGroup() as group:
            group.create_task(after(notes, 3, "a"))
    except TimeoutError:
        notes("timeout", notes.clock(), me().cancelling())


@program
async def wait_for_the_first(notes: Notes) -> None:
    tasks = [asyncio.create_task(after(notes, delay, f"t{delay}")) for delay in (3, 1, 2)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    notes([task.result() for task in done], len(pending), notes.clock())
    done, pending = await asyncio.wait(pending, timeout=1.5)
    notes([task.result() for task in done], len(pending), notes.clock())
    done, pending = await asyncio.wait(pending)
    notes([task.result() for task in done], len(pending), notes.clock())


@program
async def wait_for_the_first_exception(notes: Notes) -> None:
    tasks = [asyncio.create_task(after(notes, 1, "a")), asyncio.create_task(fails(notes, 2, "b"))]
    tasks.append(asyncio.create_task(after(notes, 3, "c")))
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    notes(sorted(tasks.index(task) for task in done), len(pending), notes.clock())
    await asyncio.wait(pending)
    with suppress(ValueError):
        tasks[1].result()


@program
async def as_completed_in_the_order_of_completion(notes: Notes) -> None:
    tasks = [asyncio.create_task(after(notes, delay, f"t{delay}")) for delay in (3, 1, 2)]
    for each in asyncio.as_completed(tasks):
        notes(await each)
    try:
        for each in asyncio.as_completed([asyncio.create_task(after(notes, 1, "slow"))], timeout=0.5):
            await each
    except TimeoutError:
        notes("timeout")
    await asyncio.sleep(5)


@program
async def shield_protects(notes: Notes) -> None:
    inner = asyncio.create_task(after(notes, 2, "inner"))
    try:
        async with asyncio.timeout(1):
            await asyncio.shield(inner)
    except TimeoutError:
        notes("timeout", notes.clock())
    notes(await inner, notes.clock())
