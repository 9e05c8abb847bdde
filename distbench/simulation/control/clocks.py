"""Clocks."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Iterator
from typing import Any, Final

from distbench.simulation.control.standin import Routine, StandIn, routine
from distbench.simulation.machine import SECOND, current_machine

_SINCE_START: Final = ("monotonic", "perf_counter", "process_time", "thread_time")


def stand_ins() -> Iterator[StandIn]:
    """Of everything that tells how late it is in seconds; ``dates`` has the rest."""
    yield StandIn(time, "time", _wall(time.time, SECOND))
    yield StandIn(time, "time_ns", _wall(time.time_ns))
    for name in _SINCE_START:
        if hasattr(time, name):  # not every system has it
            yield StandIn(time, name, _since_start(getattr(time, name), SECOND))
            yield StandIn(time, f"{name}_ns", _since_start(getattr(time, f"{name}_ns")))
    if hasattr(time, "clock_gettime"):  # nor these
        yield StandIn(time, "clock_gettime", _by_number(time.clock_gettime, SECOND))
        yield StandIn(time, "clock_gettime_ns", _by_number(time.clock_gettime_ns))
    timer = _since_start(timeit.default_timer, SECOND)
    yield StandIn(timeit, "default_timer", timer)
    yield StandIn(timeit.Timer, "__init__", _timed(timeit.Timer.__init__, timeit.default_timer, timer))


def _wall(real: Callable[[], Any], unit: int | None = None) -> Routine:
    def seconds(_: Routine) -> float:
        machine = current_machine.get()
        return real() if machine is None else machine.wall() / SECOND

    def nanoseconds(_: Routine) -> int:
        machine = current_machine.get()
        return real() if machine is None else machine.wall()

    return routine(real, seconds if unit else nanoseconds)


def _since_start(real: Callable[[], Any], unit: int | None = None) -> Routine:
    def seconds(_: Routine) -> float:
        machine = current_machine.get()
        return real() if machine is None else machine.read() / SECOND

    def nanoseconds(_: Routine) -> int:
        machine = current_machine.get()
        return real() if machine is None else machine.read()

    return routine(real, seconds if unit else nanoseconds)


def _timed(
    real: Callable[..., None], default: Callable[[], float], instead: Callable[[], float]
) -> Callable[..., None]:
    """What ``timeit`` measures with: its functions have had the clock as a default since they were made."""

    def init(self: object, stmt: Any = "pass", setup: Any = "pass", timer: Any = default, globals: Any = None) -> None:
        real(self, stmt, setup, instead if timer is default else timer, globals)

    return init


def _by_number(real: Callable[[int], Any], unit: int | None = None) -> Routine:
    """One of the system's clocks by its number."""

    def clock(_: Routine, number: int, /) -> Any:
        machine = current_machine.get()
        if machine is None:
            return real(number)
        now = machine.wall() if number == time.CLOCK_REALTIME else machine.read()
        return now / unit if unit else now

    return routine(real, clock)
