"""Which records of the live log only say again what it has said."""

from __future__ import annotations

import logging

from distbench.logs import MAY_REPEAT
from distbench.report.notes import MOST_FAILURES
from distbench.running.outcomes import failure_of
from distbench.words import plural


class Folding:
    """Lets the first of equal failures and warnings through, and of each kind the first ten different ones.

    So the summary does it, which counts them all. Failures are equal where handler, message and traceback are, at
    whichever node and time; warnings where their texts are. All other records are let through.
    """

    def __init__(self) -> None:
        self._seen: dict[str, set[object]] = {}
        self._folded = 0

    def takes(self, record: logging.LogRecord) -> bool:
        """Whether the record is a repeat: it is counted, and need not be shown."""
        failure = failure_of(record)
        if failure is not None:
            kind = "failure"
            text: object = (failure.handler, failure.message, failure.exception, failure.traceback)
        elif hasattr(record, MAY_REPEAT):
            kind, text = str(record.msg), record.getMessage()
        else:
            return False
        seen = self._seen.setdefault(kind, set())
        if text not in seen and len(seen) < MOST_FAILURES:
            seen.add(text)
            return False
        self._folded += 1
        return True

    def tell(self) -> str:
        """How many were folded since this was last asked, for people; nothing where none was."""
        count, self._folded = self._folded, 0
        return f"left out {plural(count, 'repeat')} of failures and warnings above; -v shows each" if count else ""
