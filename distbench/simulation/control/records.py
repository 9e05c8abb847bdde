"""Log records: their times are those of the node that logs, and showing the time is no reading of its clock.

What a run's nodes do to logging (levels, handlers, filters) is taken back with the run, so that the next one finds
logging as this one did.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import current_machine

_MODULE: Final[Any] = logging
_SETTINGS: Final = (
    *("_logRecordFactory", "_loggerClass", "lastResort", "raiseExceptions", "_srcfile"),
    *("logThreads", "logMultiprocessing", "logProcesses", "logAsyncioTasks"),
)
"""Names in the module ``logging`` that a program may set."""


def stand_ins() -> Iterator[StandIn]:
    """Of what logging takes its times from; ``dates`` has what formatters ask."""
    yield StandIn(logging, "time", _ShownTime(_MODULE.time))
    yield StandIn(logging, "_startTime", _Begin(_MODULE._startTime))


class _ShownTime(ModuleType):
    """Stands for the module ``time`` in ``logging``, and there alone."""

    def __init__(self, real: Any) -> None:
        super().__init__(real.__name__, real.__doc__)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def time(self) -> float:
        machine = current_machine.get()
        return float(self._real.time()) if machine is None else machine.wall_shown() / 10**9

    def time_ns(self) -> int:
        machine = current_machine.get()
        return int(self._real.time_ns()) if machine is None else machine.wall_shown()


class _Begin(float):
    """Stands for the time at which logging was loaded, from which ``relativeCreated`` counts: in a step, the begin.

    Python asks a subclass of float before the number that it is taken from.
    """

    def __new__(cls, real: float) -> _Begin:
        made = super().__new__(cls, real)
        made._real = real
        return made

    _real: float
    """As precise as it was: nanoseconds are a whole number, from Python 3.13 on."""

    def __rsub__(self, created: float) -> Any:
        machine = current_machine.get()
        if machine is None:
            return created - self._real
        return machine.shown() if isinstance(self._real, int) else machine.shown() / 10**9


class LoggingState:
    """How logging is set: all that a program may change about it, as it is now."""

    def __init__(self) -> None:
        self._disable = logging.root.manager.disable
        self._names = dict(_MODULE._levelToName), dict(_MODULE._nameToLevel)
        self._settings: dict[str, Any] = {name: vars(logging)[name] for name in _SETTINGS if name in vars(logging)}
        self._loggers = {logger: _settings_of(logger) for logger in _loggers()}
        handlers = {id(handler): handler for _, _, found, _ in self._loggers.values() for handler in found}
        self._handlers = [(each, each.level, each.formatter, list(each.filters)) for each in handlers.values()]

    def restore(self) -> None:
        """Set it so again; a logger that was not there is as a new one."""
        for level_names, before in zip((_MODULE._levelToName, _MODULE._nameToLevel), self._names, strict=True):
            if level_names != before:
                level_names.clear()
                level_names.update(before)
        vars(logging).update(self._settings)
        for logger in _loggers():
            flags, level, handlers, filters = self._loggers.get(logger, ((False, True), logging.NOTSET, [], []))
            logger.disabled, logger.propagate = flags
            logger.handlers[:], logger.filters[:] = handlers, filters
            logger.level = level
        for handler, level, formatter, filters in self._handlers:
            handler.level, handler.formatter = level, formatter
            handler.filters[:] = filters
        logging.root.manager.disable = self._disable
        _MODULE.Logger.manager._clear_cache()


def _loggers() -> Iterator[logging.Logger]:
    yield logging.root
    for found in list(logging.root.manager.loggerDict.values()):
        if isinstance(found, logging.Logger):  # else it is the place of one
            yield found


def _settings_of(logger: logging.Logger) -> tuple[tuple[bool, bool], int, list[Any], list[Any]]:
    return (logger.disabled, logger.propagate), logger.level, list(logger.handlers), list(logger.filters)
