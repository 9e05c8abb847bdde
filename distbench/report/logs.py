"""Logs on stderr: time in the run, node, level, text."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final

from distbench.logs import TRACE
from distbench.node.current import current_node
from distbench.report.folding import Folding
from distbench.report.style import node_colour, paint
from distbench.running.outcomes import failure_of
from distbench.running.result import RunResult
from distbench.running.unheard import Outlet, RunHandler, Words, sparing

_NAMES = {TRACE: "TRACE", 10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_COLOURS = {TRACE: "dim", 10: "dim", 20: "", 30: "yellow", 40: "red", 50: "red"}
_ALGORITHMS = (logging.INFO, logging.DEBUG, TRACE, TRACE)
_FRAMEWORK = (logging.WARNING, logging.WARNING, logging.WARNING, TRACE)
_SHIPPED = "distbench.algorithms"
_CONFIG = "distbench.config"
_LEVELS: Final[Mapping[str, int]] = {"": logging.NOTSET, "distbench": TRACE, "asyncio": TRACE}
"""Of loggers, whatever is shown: a node's code finds the same. The lower two do not heed what a user sets above."""


class Verbosity:
    """From which level on the records of a logger are shown: as ``-v`` says, or the user's own program.

    Algorithms log from INFO on, from DEBUG with a verbosity of 1, from TRACE with 2; the framework from WARNING on,
    and all that it has to say with 3. Where a program has set the level of a logger, what that lets through is shown.
    """

    def __init__(self, verbosity: int) -> None:
        self._algorithms = _ALGORITHMS[verbosity]
        self._framework = _FRAMEWORK[verbosity]
        self._of: dict[str, int] = {}

    def __call__(self, name: str, level: int) -> bool:
        """Whether a record of this level of the logger of that name is shown."""
        least = self._of.get(name)
        if least is None:
            quieter = _is_framework(name) or name == "asyncio" or name.startswith("asyncio.")
            least = self._of[name] = self._framework if quieter else self._algorithms
        return level >= (_set_level(name) or least)


def _set_level(name: str) -> int:
    """The level that a program has set for a logger, or for one above it; 0 if it left that to us."""
    found = logging.root.manager.loggerDict.get(name)
    logger: logging.Logger | None = found if isinstance(found, logging.Logger) else logging.root
    while logger is not None:
        if logger.level:
            return 0 if logger.level == _LEVELS.get(logger.name) else logger.level
        logger = logger.parent
    return 0


class LineFormatter(logging.Formatter):
    """One record as ``  0.003512 n1   INFO    text``; outside a node's step without time and node.

    The node and its time come from the step in which the logger was called, so a record must be formatted at once.
    """

    def __init__(self, *, colour: bool, names: bool = False) -> None:
        """``names`` puts the logger's name before the text of the framework's own records."""
        super().__init__()
        self._colour = colour
        self._names = names
        self._width = 3
        self._heads: dict[str, str] = {}

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it the traceback if the record carries one."""
        trace = ""
        if record.exc_info and record.exc_info[0] is not None:
            trace = self.formatException(record.exc_info)
        return self.render(record, Words(record.getMessage(), trace))

    def render(self, record: logging.LogRecord, words: Words) -> str:
        """The same of a record that has been turned into text."""
        scope = current_node.get()
        failure = failure_of(record)
        if failure is not None:
            given = f" on {failure.message}" if failure.message else ""
            text = f"{failure.handler} failed{given}\n{failure.traceback}"
            return self.render_line(failure.at, failure.node, record.levelno, text)
        text = words.text
        if self._names and _is_framework(record.name):
            text = f"{record.name}: {text}"
        if words.trace:
            text = f"{text}\n{words.trace}"
        if scope is None:
            return self.render_line(None, "", record.levelno, text)
        return self.render_line(scope.now(), scope.node_id, record.levelno, text)

    def render_line(self, at: float | None, node: str, level: int, text: str) -> str:
        """The line of a record that was made elsewhere, for instance in another process."""
        name = f"{_NAMES.get(level) or logging.getLevelName(level):7}"
        if self._colour and level != logging.INFO:
            name = paint(name, _COLOURS.get(level, ""))
        if at is None:
            return f"{name} {text}"
        return f"{at:10.6f} {self._heads.get(node) or self._head(node)} {name} {text}"

    def _head(self, node: str) -> str:
        """A node's name, padded to the longest one seen so far and in the node's colour."""
        if len(node) > self._width:
            self._width = len(node)
            self._heads.clear()
        head = node.ljust(self._width)
        if self._colour:
            head = f"{node_colour(node)}{head}\x1b[0m"
        self._heads[node] = head
        return head


class StreamLogs:
    """Writes to a stream until that is closed; a record that cannot be formatted is one line, not a traceback."""

    def __init__(self, stream: IO[str], formatter: LineFormatter, *, quiet: bool, folds: bool) -> None:
        """``quiet`` lets only warnings about the config through; ``folds`` leaves out repeats."""
        self.failures = 0
        """Failures of nodes shown, each with its traceback, or folded as the summary folds them."""
        self.quiet = quiet
        self._stream = stream
        self._formatter = formatter
        self._folding = Folding() if folds else None
        self._ended = False

    def wants(self, name: str) -> bool:
        """Whether records of that logger are for people now."""
        return not self._ended and (not self.quiet or name.startswith(_CONFIG))

    def take(self, record: logging.LogRecord, words: Words) -> None:
        """Write it, unless it is a repeat."""
        if self._folding is None or not self._folding.takes(record):
            self._write(record, words)
        self.failures += failure_of(record) is not None

    def _write(self, record: logging.LogRecord, words: Words) -> None:
        line = words.problem or (self._formatter.render(record, words) if words.line is None else words.line)
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) or self._stream.closed:  # there is nowhere left to say so
                self.end()
                return
            place = f"{record.filename}:{record.lineno}"
            self._stream.write(f"{place}: cannot log {record.msg!a}: {type(error).__name__}: {error}\n")

    def end(self) -> None:
        """Write nothing more; what was written before may not have been read either."""
        self._ended = True
        self.failures = -sys.maxsize

    def say_last(self) -> None:
        """Say how much was left out, in the name of the node whose process this is."""
        text = "" if self._folding is None else self._folding.tell()
        if text and self.wants(__name__):
            self._write(logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (), None), Words(text))


class Logs:
    """The logs of a run while it lasts."""

    def __init__(self, handler: RunHandler, shown: StreamLogs | None) -> None:
        self._handler = handler
        self._shown = shown

    def has_shown(self, result: RunResult) -> bool:
        """Whether whoever reads the stream has seen the traceback of every failure."""
        if self._shown is None or self._shown.quiet:
            return False
        if result.mode == "local":  # each node's process wrote its own, to the same stream
            return self._shown.failures >= 0
        return self._shown.failures >= len(result.failures)

    def settle(self) -> None:
        """The user's modules are loaded. One that took all handlers from the root logger shows its logs by itself."""
        root = logging.getLogger()
        if self._handler not in root.handlers:
            if self._shown is not None:
                self._shown.end()
            root.addHandler(self._handler)

    def add(self, outlet: Outlet) -> None:
        """Give the records of this verbosity to ``outlet`` too, ``quiet`` or not."""
        self._handler.outlets.append(outlet)


@contextmanager
def logs(verbosity: int, stream: IO[str] | None, *, colour: bool, quiet: bool = False) -> Iterator[Logs]:
    """Within the block, logs go to ``stream``; afterwards logging is as it was.

    The rest of logging is the same whatever is shown, and to whom. Failures and warnings that repeat are left out where
    ``verbosity`` is 0. ``quiet`` leaves warnings about the config only. A record that nobody would hear is not made.
    """
    verbosity = min(max(verbosity, 0), len(_ALGORITHMS) - 1)
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in _LEVELS}
    handler = RunHandler(Verbosity(verbosity))
    shown = None
    if stream is not None:
        formatter = LineFormatter(colour=colour, names=verbosity >= 3)
        shown = StreamLogs(stream, formatter, quiet=quiet, folds=not verbosity)
        handler.outlets.append(shown)
    root.addHandler(handler)
    _set_levels(_LEVELS)
    try:
        with sparing():
            yield Logs(handler, shown)
    finally:
        handler.say_last()
        root.removeHandler(handler)
        _set_levels(before)


def _set_levels(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _is_framework(name: str) -> bool:
    """Whether a logger is one of distbench itself; the shipped algorithms' are not."""
    return (name == "distbench" or name.startswith("distbench.")) and not (
        name == _SHIPPED or name.startswith(f"{_SHIPPED}.")
    )
