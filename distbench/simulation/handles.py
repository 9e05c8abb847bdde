"""Callbacks of the simulation's loop: ready ones, and those that are due later."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from distbench.simulation import ties
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
    _ties: ties.Ties | None = None
    """It is due now, with others that are not yet played out."""

    def when(self) -> float:
        return self._when

    def cancel(self) -> None:
        if self._callback is not None:
            self._callback = None
            self._args = ()
            if self._ties is None:
                self._loop.timer_cancelled()
            else:
                self._ties.stale = True

    def happen(self, event: Entry) -> None:
        if self._callback is None:
            self._loop.timers_cancelled -= 1
            return
        heap = self._loop.scheduler.heap
        if heap and heap[0][0] == event[0]:
            ties.fire(self._loop, event)
        else:
            self._loop.timer_fired(self)
