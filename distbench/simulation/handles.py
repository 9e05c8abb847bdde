"""Callbacks of the simulation's loop: ready ones, and those that are due later."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from distbench.simulation.scheduler import Entry

if TYPE_CHECKING:
    from distbench.simulation.loop import SimLoop


class Handle(msgspec.Struct, eq=False, weakref=True):
    """A callback that is ready or will be."""

    _callback: Callable[..., object] | None
    _args: tuple[Any, ...]
    _context: contextvars.Context

    def cancel(self) -> None:
        self._callback = None
        self._args = ()

    def cancelled(self) -> bool:
        return self._callback is None


class Timer(Handle):
    """A callback at a virtual time; an event of the scheduler."""

    _loop: SimLoop
    _when: float

    def when(self) -> float:
        return self._when

    def cancel(self) -> None:
        if self._callback is not None:
            self._callback = None
            self._args = ()
            self._loop.timer_cancelled()

    def happen(self, event: Entry) -> None:
        if self._callback is None:
            self._loop.timers_cancelled -= 1
            return
        self._loop.timer_fired(self)
