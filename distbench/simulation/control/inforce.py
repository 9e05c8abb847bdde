"""The stand-ins, put in force while runs last, and taken back.

Names that the algorithm's modules bound earlier (``from time import time``) are replaced there as well. All of it
is taken back at the end; runs in several threads share one set of stand-ins.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from distbench.simulation.control import asynchronous, clocks, entropy, refusals
from distbench.simulation.control.records import LoggingState, Records
from distbench.simulation.control.standin import StandIn


class _InForce:
    """The stand-ins that are in force, counted by the runs that need them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._made: list[StandIn] | None = None
        self._originals: list[StandIn] = []
        self._bound: dict[int, Any] = {}
        self._rebound: list[tuple[dict[str, Any], str, Any]] = []
        self._state: Any = None
        self._records = Records()
        self._logging: LoggingState | None = None

    def enter(self, namespaces: Iterable[dict[str, Any]], random_seed: int) -> None:
        """Put them in force, in ``namespaces`` also for names that were bound earlier."""
        with self._lock:
            if self._made is None:
                self._made = [one for room in (clocks, entropy, asynchronous, refusals) for one in room.stand_ins()]
            if self._runs == 0:
                self._originals = [StandIn(owner, name, vars(owner)[name]) for owner, name, _ in self._made]
                self._bound = {
                    id(original.value): made.value
                    for original, made in zip(self._originals, self._made, strict=True)
                    if not isinstance(original.owner, type)
                }
                for owner, name, value in self._made:
                    setattr(owner, name, value)
                # For whoever bound a function of ``random`` where nothing is rebound, in a library for instance.
                self._state = random._inst.getstate()
                random._inst.seed(random_seed)
                self._logging = LoggingState()
                self._records.put()
            self._runs += 1
            for names in namespaces:
                for name, value in list(names.items()):
                    replacement = self._bound.get(id(value))
                    if replacement is not None:
                        self._rebound.append((names, name, value))
                        names[name] = replacement

    def leave(self) -> None:
        """Take them back, with the last run that needed them."""
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                for names, name, value in self._rebound:
                    names[name] = value
                self._rebound.clear()
                random._inst.setstate(self._state)
                self._records.take_back()
                if self._logging is not None:
                    self._logging.restore()
                for owner, name, original in self._originals:
                    setattr(owner, name, original)


_in_force = _InForce()


@contextmanager
def controlled(namespaces: Iterable[dict[str, Any]], random_seed: int) -> Iterator[None]:
    """Clock, entropy and module-level ``random`` under the simulation's control, for steps of nodes only."""
    _in_force.enter(namespaces, random_seed)
    try:
        yield
    finally:
        _in_force.leave()
