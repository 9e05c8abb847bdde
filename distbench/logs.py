"""What distbench adds to logging: a level below DEBUG, warnings that may repeat, and a last word."""

from __future__ import annotations

import logging
from typing import Any, Final

TRACE: Final = 5
"""For every message: shown with ``-vv``."""


MAY_REPEAT: Final = "distbench_may_repeat"
REPEATS: Final = {MAY_REPEAT: True}
"""The ``extra`` of a warning that may come very often: who shows logs to people shows the first of them."""


def say_last() -> None:
    """This process logs nothing more: have each handler say what it has left out."""
    for handler in logging.getLogger().handlers:
        say: Any = getattr(handler, "say_last", None)
        if say is not None:
            say()


class TraceLogger(logging.getLoggerClass()):  # type: ignore[misc]
    """A logger with ``trace``; any logger made after ``import distbench`` is one."""

    def trace(self, message: object, *args: Any, **named: Any) -> None:
        """Log below DEBUG."""
        if self.isEnabledFor(TRACE):
            named["stacklevel"] = named.get("stacklevel", 1) + 1  # the caller's line, not this one
            self._log(TRACE, message, args, **named)


def add_trace_level() -> None:
    """Name the level and give the method to loggers made from now on."""
    logging.addLevelName(TRACE, "TRACE")
    if not issubclass(logging.getLoggerClass(), TraceLogger):
        logging.setLoggerClass(TraceLogger)
