"""The list of programs, and what they share."""

from __future__ import annotations

import asyncio
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
