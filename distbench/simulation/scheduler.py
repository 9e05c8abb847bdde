"""Which enabled event is next: the one seam through which a run's order is decided.

The default takes events by virtual time and, at one instant, in the order in which they were scheduled; the timers
among them take turns, which ``simulation.ties`` draws.
"""

from __future__ import annotations

import itertools
from typing import Any, Protocol, TypeAlias


class Target(Protocol):
    """What an event happens to: a link for a delivery, a timer when it is due."""

    def happen(self, event: Entry) -> None: ...


Entry: TypeAlias = tuple[Any, ...]
"""``(at, number, target, ...)``: nanoseconds, a number that breaks ties, and what the target needs to know."""


class Scheduler:
    """Events by time. ``heap`` and ``number`` are open to links and timers, which push on the hot path."""

    __slots__ = ("heap", "number", "now")

    def __init__(self) -> None:
        self.heap: list[Entry] = []
        self.number = itertools.count().__next__
        self.now = 0
        """Nanoseconds of virtual time since the run began."""
