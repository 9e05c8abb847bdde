"""Callbacks of the simulation's loop: ready ones, and those that are due later."""

from __future__ import annotations

import contextvars
from asyncio import events
from asyncio.format_helpers import _format_callback_source as format_callback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from distbench.simulation import ties
from distbench.simulation.scheduler import Entry

if TYPE_CHECKING:
    from distbench.simulation.loop import SimLoop


class Handle(msgspec.Struct, eq=False, weakref=True, dict=True):
    """A callback that is ready or will be. It hashes by a number, which is taken when it is first asked for."""

    _callback: Callable[..., object] | None
    _args: tuple[Any, ...]
    _context: contextvars.Context

    def cancel(self) -> None:
        self._callback = None
        self._args = ()

    def cancelled(self) -> bool:
        return self._callback is None

    def get_context(self) -> contextvars.Context:
        return self._context

    def __hash__(self) -> int:
        number: int | None = self.__dict__.get("number")
        if number is None:
            loop = events._get_running_loop()
            number = self.__dict__["number"] = getattr(loop, "next_number", lambda: id(self))()
        return number

    def __repr__(self) -> str:  # without an address, as asyncio's own
        what = "cancelled" if self._callback is None else format_callback(self._callback, self._args)
        return f"<{type(self).__name__} {what}>"


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
