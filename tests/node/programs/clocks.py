"""Sleeping, timeouts and timers."""

from __future__ import annotations

import asyncio

from tests.node.instant import Notes
from tests.node.programs.listing import after, fails, me, program


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
