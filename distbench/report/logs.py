"""Logs on stderr: time in the run, node, level, text."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from distbench.logs import TRACE
from distbench.node.current import current_node
from distbench.report.folding import Folding
from distbench.report.style import node_colour, paint
from distbench.running.outcomes import failure_of
from distbench.running.result import RunResult

_NAMES = {TRACE: "TRACE", 10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_COLOURS = {TRACE: "dim", 10: "dim", 20: "", 30: "yellow", 40: "red", 50: "red"}
_ALGORITHMS = (logging.INFO, logging.DEBUG, TRACE, TRACE)
_FRAMEWORK = (logging.WARNING, logging.WARNING, logging.WARNING, TRACE)
_SHIPPED = "distbench.algorithms"
_CONFIG = "distbench.config"
_NOTHING = logging.CRITICAL + 1


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
        scope = current_node.get()
        failure = failure_of(record)
        if failure is not None:
            given = f" on {failure.message}" if failure.message else ""
            text = f"{failure.handler} failed{given}\n{failure.traceback}"
            return self.render_line(failure.at, failure.node, record.levelno, text)
        text = record.getMessage()
        if self._names and _is_framework(record.name):
            text = f"{record.name}: {text}"
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text}\n{self.formatException(record.exc_info)}"
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


class StreamLogs(logging.StreamHandler[IO[str]]):
    """Writes to a stream until that is closed; a record that cannot be formatted is one line, not a traceback."""

    def __init__(self, stream: IO[str], *, quiet: bool, folds: bool) -> None:
        """``quiet`` lets only warnings about the config through; ``folds`` leaves out repeats."""
        super().__init__(stream)
        self.failures = 0
        """Failures of nodes shown, each with its traceback, or folded as the summary folds them."""
        self.quiet = quiet
        self._folding = Folding() if folds else None

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, if it is for people now."""
        if self.quiet and not record.name.startswith(_CONFIG):
            return
        if self._folding is None or not self._folding.takes(record):
            super().emit(record)
        self.failures += failure_of(record) is not None

    def say_last(self) -> None:
        """Say how much was left out, in the name of the node whose process this is."""
        text = "" if self._folding is None else self._folding.tell()
        if text:
            self.handle(logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (), None))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exception()
        if isinstance(error, OSError) or self.stream.closed:  # there is nowhere left to say so
            logging.getLogger().removeHandler(self)
            self.failures = -sys.maxsize  # what was written before may not have been read either
            return
        place = f"{record.filename}:{record.lineno}"
        self.stream.write(f"{place}: cannot log {record.msg!r}: {type(error).__name__}: {error}\n")


class Logs:
    """The logs of a run while it lasts."""

    def __init__(self, shown: StreamLogs | None, levels: Mapping[str, int]) -> None:
        self._shown = shown
        self._levels = levels
        self._added: list[logging.Handler] = []

    def has_shown(self, result: RunResult) -> bool:
        """Whether whoever reads the stream has seen the traceback of every failure."""
        if self._shown is None or self._shown.quiet:
            return False
        if result.mode == "local":  # each node's process wrote its own, to the same stream
            return self._shown.failures >= 0
        return self._shown.failures >= len(result.failures)

    def add(self, handler: logging.Handler) -> None:
        """Give the records of this verbosity to ``handler`` too, ``quiet`` or not."""
        set_levels(self._levels)
        self._added.append(handler)
        logging.getLogger().addHandler(handler)

    def close(self) -> None:
        """Have the rest said, and take back what was added."""
        if self._shown is not None:
            self._shown.say_last()
        for handler in self._added:
            logging.getLogger().removeHandler(handler)


@contextmanager
def logs(verbosity: int, stream: IO[str] | None, *, colour: bool, quiet: bool = False) -> Iterator[Logs]:
    """Within the block, logs go to ``stream``; afterwards logging is as it was.

    Algorithms log from INFO on, from DEBUG with a verbosity of 1, from TRACE with 2; the framework from WARNING on,
    and all that it has to say with 3. Failures and warnings that repeat are left out where it is 0. ``quiet`` leaves
    warnings about the config only. What is filtered costs what any disabled logger costs.
    """
    verbosity = min(max(verbosity, 0), len(_ALGORITHMS) - 1)
    algorithms, framework = _ALGORITHMS[verbosity], _FRAMEWORK[verbosity]
    levels = {"": algorithms, _SHIPPED: algorithms, "distbench": framework, "asyncio": framework}
    before = {name: logging.getLogger(name).level for name in levels}
    root = logging.getLogger()
    shown = StreamLogs(stream, quiet=quiet, folds=not verbosity) if stream else None
    handler = shown or logging.NullHandler()
    handler.setFormatter(LineFormatter(colour=colour, names=verbosity >= 3))
    root.addHandler(handler)
    set_levels({name: framework if name == "distbench" else _NOTHING for name in levels} if quiet else levels)
    made = Logs(shown, levels)
    try:
        yield made
    finally:
        made.close()
        root.removeHandler(handler)
        set_levels(before)


def set_levels(levels: Mapping[str, int]) -> None:
    """Set the level of each logger."""
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _is_framework(name: str) -> bool:
    """Whether a logger is one of distbench itself; the shipped algorithms' are not."""
    return (name == "distbench" or name.startswith("distbench.")) and not (
        name == _SHIPPED or name.startswith(f"{_SHIPPED}.")
    )
