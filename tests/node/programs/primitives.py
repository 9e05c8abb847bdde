"""Events, locks, queues, futures and tasks."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.node.instant import Notes
from tests.node.programs.listing import after, program


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
