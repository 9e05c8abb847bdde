"""Logs on stderr: time in the run, node, level, text."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from distbench.logs import TRACE
from distbench.node.current import current_node
from distbench.report.style import node_colour, paint

_NAMES = {TRACE: "TRACE", 10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_COLOURS = {TRACE: "dim", 10: "dim", 20: "", 30: "yellow", 40: "red", 50: "red"}
_ALGORITHMS = (logging.INFO, logging.DEBUG, TRACE, TRACE)
_FRAMEWORK = (logging.WARNING, logging.WARNING, logging.WARNING, TRACE)
_SHIPPED = "distbench.algorithms"


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


class _Handler(logging.StreamHandler[IO[str]]):
    """Writes to a stream until that is closed; a record that cannot be formatted is one line, not a traceback."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exception()
        if isinstance(error, OSError) or self.stream.closed:  # there is nowhere left to say so
            logging.getLogger().removeHandler(self)
            return
        place = f"{record.filename}:{record.lineno}"
        self.stream.write(f"{place}: cannot log {record.msg!r}: {type(error).__name__}: {error}\n")


@contextmanager
def logs(verbosity: int, stream: IO[str] | None, *, colour: bool) -> Iterator[None]:
    """Within the block, logs go to ``stream``; afterwards logging is as it was.

    Algorithms log from INFO on, from DEBUG with a verbosity of 1, from TRACE with 2; the framework from WARNING on,
    and all that it has to say with 3. What is filtered costs what any disabled logger costs.
    """
    verbosity = min(max(verbosity, 0), len(_ALGORITHMS) - 1)
    levels = {
        "": _ALGORITHMS[verbosity],
        _SHIPPED: _ALGORITHMS[verbosity],
        "distbench": _FRAMEWORK[verbosity],
        "asyncio": _FRAMEWORK[verbosity],
    }
    loggers = {name: logging.getLogger(name) for name in levels}
    before = {name: logger.level for name, logger in loggers.items()}
    handler: logging.Handler = _Handler(stream) if stream else logging.NullHandler()
    handler.setFormatter(LineFormatter(colour=colour, names=verbosity >= 3))
    root = loggers[""]
    root.addHandler(handler)
    for name, level in levels.items():
        loggers[name].setLevel(level)
    try:
        yield
    finally:
        for name, level in before.items():
            loggers[name].setLevel(level)
        root.removeHandler(handler)


def _is_framework(name: str) -> bool:
    """Whether a logger is one of distbench itself; the shipped algorithms' are not."""
    return (name == "distbench" or name.startswith("distbench.")) and not (
        name == _SHIPPED or name.startswith(f"{_SHIPPED}.")
    )
