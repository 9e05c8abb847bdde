"""The calendar: what names a moment by its day and hour, which is in UTC at every node."""

from __future__ import annotations

import datetime as _datetime
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from distbench.simulation.control.standin import ABSENT, Routine, StandIn, routine
from distbench.simulation.machine import Machine, current_machine

_DATE: Final = _datetime.date
_DATETIME: Final = _datetime.datetime
_UTC: Final = _datetime.UTC
_EPOCH: Final = _DATETIME(1970, 1, 1)
_ZONE: Final = {"timezone": 0, "altzone": 0, "daylight": 0, "tzname": ("UTC", "UTC")}
_YEAR: Final = (365 * 24 + 6) * 3600
_time, _gmtime, _localtime = time.time, time.gmtime, time.localtime
_asctime, _strftime = time.asctime, time.strftime


def stand_ins() -> Iterator[StandIn]:
    """Of what asks for the present or for local time."""
    inside: dict[str, Callable[..., Any]] = {
        "gmtime": _moment,
        "localtime": _local,
        "mktime": _seconds,
        "ctime": lambda machine, seconds=None: _asctime(_moment(machine, seconds)),
        "asctime": lambda machine, fields=None: _asctime(_moment(machine) if fields is None else fields),
        "strftime": lambda machine, form, fields=None: _strftime(form, _in_utc(machine, fields)),
    }
    for name, answer in inside.items():
        made = _function(getattr(time, name), answer)
        yield StandIn(time, name, made)
        if name == "localtime":
            yield StandIn(logging.Formatter, "converter", made)
    if any(getattr(time, name) != value for name, value in _ZONE.items()):
        # They are values, and so say the same to all; but a module that lacks a name asks this function for it.
        yield StandIn(time, "__getattr__", _zone)
        for name in _ZONE:
            yield StandIn(time, name, ABSENT)
    for cls in (_DATE, _DATETIME):
        yield StandIn(cls, "today", _class_method(vars(_DATE)["today"], _today))
    yield StandIn(_DATE, "fromtimestamp", _class_method(vars(_DATE)["fromtimestamp"], _date_from))
    yield StandIn(_DATETIME, "fromtimestamp", _class_method(vars(_DATETIME)["fromtimestamp"], _datetime_from))
    yield StandIn(_DATETIME, "now", _class_method(vars(_DATETIME)["now"], _now))
    yield StandIn(_DATETIME, "utcnow", _class_method(vars(_DATETIME)["utcnow"], _now))
    yield StandIn(_DATETIME, "timestamp", _method(_DATETIME.timestamp, _timestamp))
    yield StandIn(_DATETIME, "astimezone", _method(_DATETIME.astimezone, _astimezone))


def _function(real: Callable[..., Any], answer: Callable[..., Any]) -> Routine:
    def function(_: Routine, *args: Any) -> Any:
        machine = current_machine.get()
        return real(*args) if machine is None else answer(machine, *args)

    return routine(real, function)


def _class_method(real: Any, answer: Callable[..., Any]) -> Any:
    def method(cls: type, *args: Any, **named: Any) -> Any:
        machine = current_machine.get()
        if machine is None:
            return real.__get__(None, cls)(*args, **named)
        return answer(machine, cls, *args, **named)

    return classmethod(_like(real, method))


def _method(real: Any, answer: Callable[..., Any]) -> Any:
    def method(self: Any, *args: Any, **named: Any) -> Any:
        return real(self, *args, **named) if current_machine.get() is None else answer(self, *args, **named)

    return _like(real, method)


def _like(real: Any, method: Any) -> Any:
    method.__name__, method.__qualname__, method.__doc__ = real.__name__, real.__qualname__, real.__doc__
    return method


# -------------------------------------------------- of time


def _moment(machine: Machine, seconds: float | None = None) -> time.struct_time:
    return _gmtime(machine.wall() / 10**9 if seconds is None else seconds)


def _local(machine: Machine, seconds: float | None = None) -> time.struct_time:
    return _labelled(_moment(machine, seconds))


def _labelled(fields: Sequence[int]) -> time.struct_time:
    return time.struct_time(tuple(fields), {"tm_zone": "UTC", "tm_gmtoff": 0})


def _seconds(machine: Machine, fields: Sequence[int]) -> float:
    year, month, day, hour, minute, second = tuple(fields)[:6]
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    try:
        days = _DATE(year, month, 1).toordinal() - _EPOCH.toordinal() + day - 1
    except ValueError:
        raise OverflowError("mktime argument out of range") from None
    return float(((days * 24 + hour) * 60 + minute) * 60 + second)


def _in_utc(machine: Machine, fields: Any) -> Any:
    if fields is None:
        return _local(machine)
    if getattr(fields, "tm_zone", None) is not None or len(fields) != 9 or fields[8] < 0:
        return fields  # it says the zone itself, or that it knows none
    return _labelled(fields)


def _zone(name: str) -> Any:
    if name not in _ZONE:
        raise AttributeError(f"module 'time' has no attribute {name!r}")
    return (_zone_here() if current_machine.get() is None else _ZONE)[name]


def _zone_here() -> dict[str, Any]:
    """What Python makes of the system's zone when it starts, and in ``tzset``."""
    begin = _time() // _YEAR * _YEAR
    winter, summer = sorted(map(_localtime, (begin, begin + _YEAR // 2)), key=lambda one: one.tm_gmtoff)
    return {
        "timezone": -winter.tm_gmtoff,
        "altzone": -summer.tm_gmtoff,
        "daylight": int(winter.tm_gmtoff != summer.tm_gmtoff),
        "tzname": (winter.tm_zone, summer.tm_zone),
    }


# -------------------------------------------------- of datetime


def _now(machine: Machine, cls: Any, tz: _datetime.tzinfo | None = None) -> Any:
    at = _EPOCH + _datetime.timedelta(microseconds=machine.wall() // 1000)
    made = at if cls is _DATETIME else cls(*at.timetuple()[:6], at.microsecond)
    return made if tz is None else tz.fromutc(made.replace(tzinfo=tz))


def _today(machine: Machine, cls: Any) -> Any:
    if issubclass(cls, _DATETIME):
        return _now(machine, cls)
    return _date_from(machine, cls, machine.wall() // 10**9)


def _date_from(machine: Machine, cls: Any, timestamp: float, /) -> Any:
    at = _gmtime(timestamp)
    return cls(at.tm_year, at.tm_mon, at.tm_mday)


def _datetime_from(machine: Machine, cls: Any, timestamp: float, tz: _datetime.tzinfo | None = None) -> Any:
    made = _FROM.__get__(None, cls)(timestamp, _UTC if tz is None else tz)
    return made.replace(tzinfo=None) if tz is None else made


def _timestamp(self: _datetime.datetime) -> float:
    return _TIMESTAMP(self.replace(tzinfo=_UTC) if self.tzinfo is None else self)


def _astimezone(self: _datetime.datetime, tz: _datetime.tzinfo | None = None) -> _datetime.datetime:
    return _ASTIMEZONE(self.replace(tzinfo=_UTC) if self.tzinfo is None else self, _UTC if tz is None else tz)


_FROM: Final = vars(_DATETIME)["fromtimestamp"]
_TIMESTAMP: Final = _DATETIME.timestamp
_ASTIMEZONE: Final = _DATETIME.astimezone
