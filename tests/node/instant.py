"""Plain asyncio on a clock that jumps: what a program does outside a simulation, without waiting for it."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import Callable, Coroutine
from typing import Any


class Notes(list[tuple[object, ...]]):
    """What a program saw, in order."""

    def __init__(self) -> None:
        super().__init__()
        self._began: float | None = None

    def __call__(self, *event: object) -> None:
        self.append(event)

    def clock(self) -> float:
        """Seconds since the program began."""
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        return round(now - self._began, 6)


Program = Callable[[Notes], Coroutine[Any, Any, None]]


async def noted(program: Program, notes: Notes) -> None:
    """Run a program; note when and how it ended."""
    notes.clock()
    try:
        await program(notes)
    except (Exception, asyncio.CancelledError) as error:
        notes("ended", type(error).__name__, str(error))
    else:
        notes("ended")
    notes("at", notes.clock())


class InstantLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop; where it would wait for a timer, its clock jumps there."""

    def __init__(self) -> None:
        self._instant = 0.0
        super().__init__()

    def time(self) -> float:
        return self._instant

    def _run_once(self) -> None:
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        due = [timer.when() for timer in timers if not timer.cancelled()]
        if not self._ready and due:  # type: ignore[attr-defined]
            self._instant = max(self._instant, min(due))
        super()._run_once()  # type: ignore[misc]


def run_plainly(program: Program) -> Notes:
    """What a program notes under plain asyncio."""
    notes = Notes()
    with warnings.catch_warnings(), asyncio.Runner(loop_factory=InstantLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: notes("unhandled", context["message"]))
        with contextlib.suppress(asyncio.CancelledError):  # at the very end: a program that cancelled itself in vain
            runner.run(noted(program, notes))
    return notes
