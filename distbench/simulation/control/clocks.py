"""Clocks and the calendar."""

from __future__ import annotations

import datetime as _datetime
import os
import time
import timeit
from collections.abc import Callable, Iterator
from typing import Any, Final

from distbench.simulation.control.standin import StandIn, StandInClass
from distbench.simulation.machine import Machine, current_machine

_SECOND: Final = 10**9
"""Nanoseconds; whole, for a whole number divided by it gives the nearest float that there is."""
_WALL: Final = ("time",)
_SINCE_START: Final = ("monotonic", "perf_counter", "process_time", "thread_time")


def stand_ins() -> Iterator[StandIn]:
    """Of everything that tells the time."""
    for names, read in ((_WALL, Machine.wall), (_SINCE_START, Machine.read)):
        for name in names:
            yield StandIn(time, name, _seconds(getattr(time, name), read))
            yield StandIn(time, f"{name}_ns", _nanoseconds(getattr(time, f"{name}_ns"), read))
    for name, arguments in (("localtime", 1), ("gmtime", 1), ("ctime", 1), ("asctime", 1), ("strftime", 2)):
        yield StandIn(time, name, _calendar(getattr(time, name), arguments))
    if hasattr(time, "clock_gettime"):  # not every system has it
        yield StandIn(time, "clock_gettime", _by_number(time.clock_gettime, _SECOND))
        yield StandIn(time, "clock_gettime_ns", _by_number(time.clock_gettime_ns, 1))
    yield StandIn(timeit, "default_timer", _seconds(timeit.default_timer, Machine.read))
    yield StandIn(os, "times", _times(os.times))
    yield StandIn(_datetime, "datetime", _Datetime)
    yield StandIn(_datetime, "date", _Date)


def _seconds(real: Callable[[], float], read: Callable[[Machine], int]) -> Callable[[], float]:
    def clock() -> float:
        machine = current_machine.get()
        return real() if machine is None else read(machine) / _SECOND

    return clock


def _nanoseconds(real: Callable[[], int], read: Callable[[Machine], int]) -> Callable[[], int]:
    def clock() -> int:
        machine = current_machine.get()
        return real() if machine is None else read(machine)

    return clock


def _by_number(real: Callable[[int], Any], unit: int) -> Callable[[int], Any]:
    """One of the system's clocks by its number."""

    def clock(number: int, /) -> Any:
        machine = current_machine.get()
        if machine is None:
            return real(number)
        now = machine.wall() if number == time.CLOCK_REALTIME else machine.read()
        return now / unit if unit > 1 else now

    return clock


def _times(real: Callable[[], os.times_result]) -> Callable[[], os.times_result]:
    def times() -> os.times_result:
        machine = current_machine.get()
        if machine is None:
            return real()
        now = machine.read() / _SECOND
        return os.times_result((now, 0.0, 0.0, 0.0, now))

    return times


def _calendar(real: Callable[..., Any], arguments: int) -> Callable[..., Any]:
    """A function of ``time`` that takes the present where its last argument is left out."""

    def calendar(*args: Any) -> Any:
        machine = current_machine.get()
        if machine is not None and (len(args) < arguments or args[-1] is None):
            now = machine.wall() / _SECOND
            args = (*args[: arguments - 1], _REAL_LOCALTIME(now) if real in _TAKE_FIELDS else now)
        return real(*args)

    return calendar


_REAL_LOCALTIME = time.localtime
_TAKE_FIELDS = (time.strftime, time.asctime)


_REAL_DATETIME: Final = _datetime.datetime
_REAL_DATE: Final = _datetime.date
_EPOCH = _REAL_DATETIME(1970, 1, 1)


class _Datetime(_datetime.datetime, metaclass=StandInClass):
    @classmethod
    def now(cls, tz: _datetime.tzinfo | None = None) -> Any:
        machine = current_machine.get()
        if machine is None:
            return _REAL_DATETIME.now(tz)
        at = _EPOCH + _datetime.timedelta(microseconds=machine.wall() // 1000)
        return at if tz is None else at.replace(tzinfo=_datetime.UTC).astimezone(tz)

    @classmethod
    def utcnow(cls) -> Any:
        return (
            cls.now() if current_machine.get() is not None else _REAL_DATETIME.now(_datetime.UTC).replace(tzinfo=None)
        )

    @classmethod
    def today(cls) -> Any:
        return cls.now()

    def __new__(cls, *args: Any, **named: Any) -> Any:
        return _REAL_DATETIME(*args, **named)


class _Date(_datetime.date, metaclass=StandInClass):
    @classmethod
    def today(cls) -> Any:
        return _Datetime.now().date()

    def __new__(cls, *args: Any, **named: Any) -> Any:
        return _REAL_DATE(*args, **named)
