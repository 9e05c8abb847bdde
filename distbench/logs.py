"""The level below DEBUG: ``logger.trace`` on any logger made after ``import distbench``."""

from __future__ import annotations

import logging
from typing import Any, Final

TRACE: Final = 5
"""For every message: shown with ``-vv``."""


class TraceLogger(logging.getLoggerClass()):  # type: ignore[misc]
    """A logger with ``trace``."""

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
