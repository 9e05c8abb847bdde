"""Log records that nobody would hear: they are not made, and a node's code cannot tell.

A level is the same whatever a person asked to be shown, so that ``isEnabledFor`` answers alike. What is shown is
decided by the one handler that distbench puts on the root logger. Arguments that are the user's own objects are turned
into text once, whether or not anybody hears them: what their ``__str__`` does is part of the run.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

from distbench.logs import TraceLogger
from distbench.node.suspended import is_library

_PLAIN: Final = frozenset({str, int, float, bool, bytes, type(None)})
"""Values whose text is made by Python alone."""
_MANY: Final = (list, tuple, set, frozenset)
_AS_THEY_ARE: Final = frozenset({logging.Logger, type(logging.root)}) | (
    {TraceLogger} if TraceLogger.__mro__[1] is logging.Logger else set()
)
"""Classes of loggers that do what the documentation says."""
_module: Final[Any] = logging
_class: Final = logging.Logger
_HANDLE, _CALL, _MAKE = logging.Logger.handle, logging.Logger.callHandlers, logging.Logger.makeRecord
_LOGGER_SHADOWS: Final = frozenset({"findCaller", "makeRecord", "handle", "filter", "callHandlers"})
"""What a logger does from ``_log`` on, and somebody may have replaced in the one instance."""
_OWN_NAMES: Final = len(vars(logging.getLogger("distbench")))
"""So many attributes has a logger."""


class Words(NamedTuple):
    """What a record says."""

    text: str
    trace: str = ""
    """The traceback, if it carries one."""
    problem: str = ""
    """Why there is no text."""
    line: str | None = None
    """The whole of it, where the user has set a formatter."""


class Outlet(Protocol):
    """Where records go: a stream, files."""

    def wants(self, name: str) -> bool:
        """Whether it takes records of the logger of this name."""

    def take(self, record: logging.LogRecord, words: Words) -> None:
        """Write one."""


class RunHandler(logging.Handler):
    """The one handler of distbench's on the root logger, whatever is to be shown, and where.

    ``enough`` says of the name of a logger and a level whether such records are to be shown.
    """

    def __init__(self, enough: Callable[[str, int], bool]) -> None:
        super().__init__()
        self.outlets: list[Outlet] = []
        self.hushed = False
        """Many runs are made, of which nobody wants to read."""
        self._enough = enough
        self._size = 0
        self._size = len(self.__dict__)

    def distbench_hears(self, name: str, level: int, plain: bool) -> bool:
        """Whether anybody would notice such a record: a reader, or code of the user's that is attached here.

        ``plain``: nothing of the user's runs where it becomes text.
        """
        if self.filters or self.formatter is not None or len(self.__dict__) != self._size:
            return True  # a method may have been replaced in this one instance
        return not self.hushed and self._wanted(name, level)

    def _wanted(self, name: str, level: int) -> bool:
        for outlet in self.outlets:
            if outlet.wants(name):
                return self._enough(name, level)
        return False

    def emit(self, record: logging.LogRecord) -> None:
        """Turn it into text once, and give it to whoever wants it."""
        wanted = not self.hushed and self._wanted(record.name, record.levelno)
        if not (wanted or self.formatter is not None or record.exc_info) and type(record) is logging.LogRecord:
            if not _is_harmless(record.msg, record.args):
                _spell_aside(record.msg, record.args)
            return
        words = self._words(record)
        if wanted:
            for outlet in tuple(self.outlets):
                if outlet.wants(record.name):
                    outlet.take(record, words)

    def _words(self, record: logging.LogRecord) -> Words:
        text, problem = _spell(record.getMessage, record.msg)
        trace, line = "", None
        if not problem and record.exc_info and record.exc_info[0] is not None:
            found = record.exc_info
            trace, problem = _spell(lambda: _plain.formatException(found), record.msg)
        if not problem and self.formatter is not None:
            formatter = self.formatter
            line, problem = _spell(lambda: formatter.format(record), record.msg)
        if problem:
            problem = f"{record.filename}:{record.lineno}: {problem}"
        return Words(text, trace, problem, line)

    def say_last(self) -> None:
        """This process logs nothing more."""
        for outlet in self.outlets:
            say: Any = getattr(outlet, "say_last", None)
            if say is not None:
                say()


_plain: Final = logging.Formatter()
_SHADOWS: Final = frozenset({"handle", "filter", "acquire", "release", "format"})
"""Methods of a handler that somebody may have replaced in the one instance."""


def _spell(make: Callable[[], str], message: object) -> tuple[str, str]:
    """The text, and why there is none: code of the user's may raise anything, which does not concern who logs."""
    try:
        return make(), ""
    except Exception as error:  # noqa: BLE001 - as in every handler of logging
        return "", f"cannot log {_text(message, repr)}: {type(error).__name__}: {_text(error, str)}"


def _text(value: object, of: Callable[[object], str]) -> str:
    try:
        return of(value)
    except Exception:  # noqa: BLE001 - the user's own
        return "..."


# -------------------------------------------------- records that are not made


def _is_harmless(message: object, arguments: Any) -> bool:
    """Whether nothing of the user's runs when these become text."""
    if type(message) is not str:
        return False
    if type(arguments) is dict:  # the only argument may be one, which a record takes for all of them
        return _is_plain(arguments)
    return not arguments or _PLAIN.issuperset(map(type, arguments)) or all(map(_is_plain, arguments))


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is dict:
        return _PLAIN.issuperset(map(type, value)) and _PLAIN.issuperset(map(type, value.values()))
    return kind in _MANY and _PLAIN.issuperset(map(type, value))


def _spell_aside(message: Any, arguments: Any) -> None:
    """Turn it into text, for what code of the user's does then."""

    def make() -> str:
        text = str(message)
        if arguments:
            first = arguments[0] if type(arguments) is tuple and len(arguments) == 1 else None
            text %= first if isinstance(first, Mapping) and first else arguments
        return text

    _spell(make, message)


class _Sparing:
    """Stands for ``logging.Logger._log`` while distbench's handlers are there."""

    def __init__(self) -> None:
        self._users = 0
        self.real: Callable[..., None] = logging.Logger._log

    def begin(self) -> None:
        """Distbench's handlers are there."""
        if self._users == 0:
            self.real = logging.Logger._log
            logging.Logger._log = _log  # type: ignore[method-assign]
        self._users += 1

    def end(self) -> None:
        """They go; where somebody has put something else in the place, that stays."""
        self._users -= 1
        if self._users == 0 and logging.Logger._log is _log:
            logging.Logger._log = self.real  # type: ignore[method-assign]


def _is_heard(logger: logging.Logger, level: int, plain: bool) -> bool:
    """Whether anybody would notice a record of this logger: a reader, or code of the user's."""
    if logger.filters or _module._logRecordFactory is not logging.LogRecord or type(logger) not in _AS_THEY_ARE:
        return True
    if len(logger.__dict__) > _OWN_NAMES and not _LOGGER_SHADOWS.isdisjoint(logger.__dict__):
        return True
    if _class.handle is not _HANDLE or _class.callHandlers is not _CALL or _class.makeRecord is not _MAKE:
        return True
    name, found = logger.name, False
    at: logging.Logger | None = logger
    while at is not None:
        for handler in at.handlers:
            found = True
            if level >= handler.level:
                hears = getattr(handler, "distbench_hears", None)
                if hears is None or hears(name, level, plain):
                    return True
        at = at.parent if at.propagate else None
    return not found  # then there is logging.lastResort


_sparing: Final = _Sparing()


def _log(
    self: logging.Logger,
    level: int,
    msg: object,
    args: Any,
    exc_info: Any = None,
    extra: Any = None,
    stack_info: bool = False,
    stacklevel: int = 1,
) -> None:
    plain = _is_harmless(msg, args)
    if exc_info or stack_info or extra is not None or type(stacklevel) is not int or _is_heard(self, level, plain):
        if type(stacklevel) is int:
            stacklevel += 1  # the caller's line, not this one
        _sparing.real(self, level, msg, args, exc_info, extra, stack_info, stacklevel)
    elif not plain:
        _spell_aside(msg, args)


@contextmanager
def sparing() -> Iterator[None]:
    """Within the block, records that nobody would hear are not made."""
    _sparing.begin()
    try:
        yield
    finally:
        _sparing.end()


# -------------------------------------------------- many runs


def hush() -> Callable[[], None]:
    """From now on the handlers that are there write nothing, and do all else that they do; returns what ends it.

    Records of a thousand runs help nobody, those of one come with its replay.
    """
    _sparing.begin()
    undo: list[Callable[[], None]] = [_sparing.end]
    for handler in _handlers():
        undo += _hush(handler)

    def end() -> None:
        while undo:
            undo.pop()()

    return end


@contextmanager
def hushed() -> Iterator[None]:
    """The same within the block."""
    end = hush()
    try:
        yield
    finally:
        end()


def _handlers() -> Iterator[logging.Handler]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    found = [handler for logger in loggers if isinstance(logger, logging.Logger) for handler in logger.handlers]
    if logging.lastResort is not None:
        found.append(logging.lastResort)
    seen: set[int] = set()
    while found:
        handler = found.pop()
        if id(handler) not in seen:
            seen.add(id(handler))
            yield handler
            target = getattr(handler, "target", None)  # of a MemoryHandler
            if isinstance(target, logging.Handler):
                found.append(target)


def _hush(handler: logging.Handler) -> list[Callable[[], None]]:
    if isinstance(handler, RunHandler):
        before, handler.hushed = handler.hushed, True
        return [lambda: setattr(handler, "hushed", before)]
    if handler is logging.lastResort or _sends_away(handler):
        return _shadow(handler, emit=partial(_emit_nowhere, handler), distbench_hears=partial(_hears_hushed, handler))
    if isinstance(handler, logging.StreamHandler) and _leads_out(handler.stream):
        stream = handler.stream
        handler.stream = _Nowhere()
        undo = [lambda: setattr(handler, "stream", stream)]
        if hasattr(handler, "computeRollover"):  # by the hour, it would rename its file
            undo += _shadow(handler, shouldRollover=lambda record: False)
        if type(handler).__module__.partition(".")[0] == "logging":
            undo += _shadow(handler, distbench_hears=partial(_hears_hushed, handler))
        return undo
    return []


def _shadow(handler: logging.Handler, **methods: Any) -> list[Callable[[], None]]:
    vars(handler).update(methods)

    def undo() -> None:
        for name in methods:
            vars(handler).pop(name, None)

    return [undo]


def _sends_away(handler: logging.Handler) -> bool:
    """Whether it hands records on elsewhere, by code that is not the user's: to a server, a test's report."""
    if isinstance(handler, logging.NullHandler) or hasattr(handler, "buffer"):
        return False
    file = getattr(getattr(type(handler).emit, "__code__", None), "co_filename", "")
    return "site-packages" in file or (is_library(file) and not isinstance(handler, logging.StreamHandler))


def _hears_hushed(handler: logging.Handler, name: str, level: int, plain: bool) -> bool:
    """Whether code of the user's would run, that is attached to a handler which writes nothing."""
    return bool(
        not plain
        or handler.filters
        or type(handler.formatter) not in (type(None), logging.Formatter)
        or not handler.__dict__.keys().isdisjoint(_SHADOWS)
        or type(handler).handle is not logging.Handler.handle
    )


def _emit_nowhere(handler: logging.Handler, record: logging.LogRecord) -> None:
    """In place of ``emit``: makes the text, and on an error what ``handleError`` makes."""
    try:
        handler.format(record)
    except Exception as error:  # noqa: BLE001 - as in every handler of logging
        _text(error, str)
        _text((record.msg, record.args), repr)


def _leads_out(stream: Any) -> bool:
    """Whether somebody may read it elsewhere; the program itself may look into what it has made of its own."""
    if stream is None or any(stream is one for one in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)):
        return True  # None: a file that is opened when there is something to write
    return isinstance(stream, io.TextIOWrapper)


class _Nowhere(io.TextIOBase):
    """A stream that forgets; unlike the null device it need not be closed."""

    def write(self, text: str, /) -> int:
        return len(text)

    def seek(self, *place: int) -> int:
        return 0

    def tell(self) -> int:
        return 0
