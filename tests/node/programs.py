"""Small asyncio programs, each about one thing that an algorithm may rely on."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from tests.node.instant import Notes, Program

PROGRAMS: Final[dict[str, Program]] = {}


def program(function: Program) -> Program:
    """List a program."""
    PROGRAMS[function.__name__] = function
    return function


async def after(notes: Notes, delay: float, name: str) -> str:
    """Wait, note, return; notes a cancellation too."""
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        notes(name, "cancelled", notes.clock())
        raise
    notes(name, notes.clock())
    return name


async def fails(notes: Notes, delay: float, name: str) -> None:
    await after(notes, delay, name)
    raise ValueError(name)


def me() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


# -------------------------------------------------- time


@program
async def sleep_takes_its_time(notes: Notes) -> None:
    for delay in (0.5, 0, 1e-6, 2.25):
        notes(await asyncio.sleep(delay, f"slept {delay}"), notes.clock())


@program
async def wait_for_returns_in_time(notes: Notes) -> None:
    notes(await asyncio.wait_for(after(notes, 1, "a"), 2), notes.clock())
    notes(await asyncio.wait_for(after(notes, 1, "a"), None), notes.clock())


@program
async def wait_for_gives_up(notes: Notes) -> None:
    for limit in (0.5, 0, -1):
        try:
            await asyncio.wait_for(after(notes, 1, "a"), limit)
        except TimeoutError:
            notes("gave up", limit, notes.clock())


@program
async def wait_for_passes_an_exception_on(notes: Notes) -> None:
    await asyncio.wait_for(fails(notes, 0.1, "bad"), 1)


@program
async def timeout_ends_a_wait(notes: Notes) -> None:
    try:
        async with asyncio.timeout(1) as limit:
            await after(notes, 5, "long")
    except TimeoutError:
        notes("timeout", limit.expired(), notes.clock())
    notes(me().cancelling())
    await after(notes, 1, "more")


@program
async def timeout_of_zero(notes: Notes) -> None:
    try:
        async with asyncio.timeout(0):
            await after(notes, 5, "long")
    except TimeoutError:
        notes("timeout", notes.clock(), me().cancelling())
    await asyncio.sleep(0)
    await after(notes, 1, "more")


@program
async def timeout_of_zero_around_a_yield(notes: Notes) -> None:
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(0)
            notes("not reached")
    except TimeoutError:
        notes("timeout", me().cancelling())
    await after(notes, 1, "more")


@program
async def timeout_of_zero_around_nothing(notes: Notes) -> None:
    async with asyncio.timeout(0) as limit:
        notes("inside", limit.when() is not None)
    notes(limit.expired())
    await asyncio.sleep(0)
    await after(notes, 1, "more")


@program
async def timeout_around_what_does_not_wait(notes: Notes) -> None:
    async with asyncio.timeout(1):
        notes("inside")
    await after(notes, 2, "more")


@program
async def timeout_in_timeout_inner_first(notes: Notes) -> None:
    async with asyncio.timeout(2) as outer:
        try:
            async with asyncio.timeout(1) as inner:
                await after(notes, 5, "long")
        except TimeoutError:
            notes("inner", inner.expired(), outer.expired(), notes.clock())
        await after(notes, 0.5, "more")
    notes("left", notes.clock())


@program
async def timeout_in_timeout_outer_first(notes: Notes) -> None:
    try:
        async with asyncio.timeout(1) as outer:
            async with asyncio.timeout(2) as inner:
                await after(notes, 5, "long")
    except TimeoutError:
        notes("outer", inner.expired(), outer.expired(), notes.clock(), me().cancelling())


@program
async def timeout_of_zero_in_timeout_of_zero(notes: Notes) -> None:
    try:
        async with asyncio.timeout(0) as outer:
            try:
                async with asyncio.timeout(0) as inner:
                    await after(notes, 5, "long")
            except TimeoutError:
                notes("inner")
            await after(notes, 5, "longer")
    except TimeoutError:
        notes("outer")
    notes(inner.expired(), outer.expired(), me().cancelling())
    await after(notes, 1, "more")


@program
async def timeout_at_a_time(notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    for when in (loop.time() + 1, loop.time(), loop.time() - 1):
        try:
            async with asyncio.timeout_at(when):
                await after(notes, 5, "long")
        except TimeoutError:
            notes("timeout", notes.clock())


@program
async def timeout_is_moved(notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(1) as limit:
        limit.reschedule(loop.time() + 3)
        await after(notes, 2, "in time")
        limit.reschedule(None)
        await after(notes, 5, "still")
    try:
        async with asyncio.timeout(None) as limit:
            await asyncio.sleep(0)
            limit.reschedule(loop.time())
            await after(notes, 5, "long")
    except TimeoutError:
        notes("timeout", notes.clock())


@program
async def timeout_does_not_hide_another_exception(notes: Notes) -> None:
    async with asyncio.timeout(1):
        raise ValueError("mine")


@program
async def call_later_and_call_at_and_call_soon(notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    loop.call_later(3, done.set)
    loop.call_later(2, lambda: notes("later", notes.clock()))
    loop.call_at(loop.time() + 1, lambda: notes("at", notes.clock()))
    cancelled = loop.call_later(1.5, notes, "never")
    loop.call_soon(notes, "soon")
    cancelled.cancel()
    notes("cancelled", cancelled.cancelled())
    await done.wait()
    notes(notes.clock())


@program
async def call_soon_in_order(notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    for number in range(4):
        loop.call_soon(notes, number)
    loop.call_soon(loop.call_soon, notes, "nested")
    await asyncio.sleep(0)
    notes("one round")
    await asyncio.sleep(0)
    notes("two rounds")


@program
async def a_timer_of_zero_comes_although_others_spin(notes: Notes) -> None:
    flag = asyncio.Event()
    asyncio.get_running_loop().call_later(0, flag.set)
    while not flag.is_set():
        await asyncio.sleep(0)
    notes("set", notes.clock())


# -------------------------------------------------- groups of tasks


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


# -------------------------------------------------- primitives


@program
async def event_wakes_all(notes: Notes) -> None:
    event = asyncio.Event()

    async def waits(name: str) -> None:
        await event.wait()
        notes(name, notes.clock())

    tasks = [asyncio.create_task(waits(name)) for name in "abc"]
    await asyncio.sleep(1)
    event.set()
    await asyncio.gather(*tasks)
    await event.wait()


@program
async def lock_is_fair(notes: Notes) -> None:
    lock = asyncio.Lock()

    async def holds(name: str) -> None:
        async with lock:
            notes(name, "in", notes.clock())
            await asyncio.sleep(1)
        notes(name, "out", notes.clock())

    async with lock:
        tasks = [asyncio.create_task(holds(name)) for name in "abc"]
        await asyncio.sleep(1)
        tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    notes(lock.locked())


@program
async def semaphore_lets_two_in(notes: Notes) -> None:
    semaphore = asyncio.Semaphore(2)

    async def holds(name: str) -> None:
        async with semaphore:
            await after(notes, 1, name)

    await asyncio.gather(*(holds(name) for name in "abcde"))
    with suppress(ValueError):
        asyncio.BoundedSemaphore(1).release()
        notes("not reached")


@program
async def queue_between_producer_and_consumer(notes: Notes) -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=2)

    async def produces() -> None:
        for number in range(5):
            await queue.put(number)
            notes("put", number, notes.clock())

    producer = asyncio.create_task(produces())
    for _ in range(5):
        await asyncio.sleep(1)
        notes("got", await queue.get(), queue.qsize())
        queue.task_done()
    await queue.join()
    await producer
    with suppress(asyncio.QueueEmpty):
        queue.get_nowait()
        notes("not reached")


@program
async def queue_that_is_empty_first(notes: Notes) -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().call_later(1, queue.put_nowait, "late")
    notes(await queue.get(), notes.clock())
    try:
        async with asyncio.timeout(1):
            await queue.get()
    except TimeoutError:
        notes("empty", notes.clock())
    queue.put_nowait("kept")
    notes(await queue.get())


@program
async def priority_queue_sorts(notes: Notes) -> None:
    queue: asyncio.PriorityQueue[int] = asyncio.PriorityQueue()
    for number in (3, 1, 2):
        await queue.put(number)
    notes([await queue.get() for _ in range(3)])


@program
async def condition_wakes_who_waits(notes: Notes) -> None:
    condition = asyncio.Condition()
    state: list[int] = []

    async def waits(name: str, size: int) -> None:
        async with condition:
            await condition.wait_for(lambda: len(state) >= size)
            notes(name, len(state), notes.clock())

    tasks = [asyncio.create_task(waits("two", 2)), asyncio.create_task(waits("one", 1))]
    for number in range(2):
        await asyncio.sleep(1)
        async with condition:
            state.append(number)
            condition.notify_all()
    await asyncio.gather(*tasks)


@program
async def barrier_lets_all_go_together(notes: Notes) -> None:
    barrier = asyncio.Barrier(3)

    async def comes(delay: float) -> None:
        await asyncio.sleep(delay)
        place = await barrier.wait()
        notes(delay, place, notes.clock())

    await asyncio.gather(comes(1), comes(2), comes(3))


@program
async def future_of_ones_own(notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    loop.call_later(1, future.set_result, "here")
    notes(await future, notes.clock())
    notes(await future)
    failing: asyncio.Future[None] = asyncio.Future()
    loop.call_soon(failing.set_exception, ValueError("there"))
    await failing


@program
async def task_runs_in_the_background(notes: Notes) -> None:
    task = asyncio.create_task(after(notes, 1, "background"), name="mine")
    notes(task.get_name(), task.done())
    await asyncio.sleep(0.5)
    notes("meanwhile")
    notes(await task, task.done(), task.result())


@program
async def tasks_have_names_of_their_own(notes: Notes) -> None:
    tasks = [asyncio.create_task(after(notes, 1, "a")) for _ in range(3)]
    notes(len({task.get_name() for task in tasks}), tasks[0].get_name().startswith("Task-"))
    await asyncio.gather(*tasks)


@program
async def task_starts_at_the_next_wait(notes: Notes) -> None:
    async def starts(name: str) -> None:
        notes(name)
        await asyncio.sleep(0)
        notes(name, "again")

    tasks = [asyncio.create_task(starts("a")), asyncio.create_task(starts("b"))]
    notes("before")
    await asyncio.sleep(0)
    notes("after one")
    await asyncio.sleep(0)
    notes("after two")
    await asyncio.gather(*tasks)


# -------------------------------------------------- cancellation


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


# -------------------------------------------------- the current task


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


# -------------------------------------------------- contexts and generators

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


# -------------------------------------------------- mistakes


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


def names() -> list[str]:
    """All programs, in the order in which they stand here."""
    return list(PROGRAMS)


Check = Callable[[Notes], None]
