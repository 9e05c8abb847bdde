"""The stand-ins, put in force while runs last, and taken back.

Names that the algorithm's modules bound earlier (``from time import time``) are replaced there as well. All of it
is taken back at the end; runs in several threads share one set of stand-ins.
"""

from __future__ import annotations

import contextvars
import importlib
import random
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from distbench.simulation.control import (
    asynchronous,
    clocks,
    entropy,
    generators,
    identity,
    numbering,
    refusals,
    waiting,
)
from distbench.simulation.control.standin import StandIn

_ROOMS: Final = (clocks, entropy, asynchronous, numbering, identity, refusals, waiting)
_LATE: Final[dict[str, Callable[[ModuleType], Iterator[StandIn]]]] = {
    "multiprocessing.connection": waiting.of_connections,
    "multiprocessing.synchronize": waiting.of_semaphores,
    "nacl.bindings": entropy.of_sodium,
    "resource": identity.of_resource,
    "ssl": entropy.of_ssl,
    "tempfile": generators.of_tempfile,
}
"""Modules that are not always loaded: their stand-ins, put in force when they are, perhaps in the middle of a run."""


class _InForce:
    """The stand-ins that are in force, counted by the runs that need them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._runs = 0
        self._made: list[StandIn] | None = None
        self._late: dict[str, list[StandIn]] = {}
        self._originals: list[StandIn] = []
        self._bound: dict[int, Any] = {}
        self._rebound: list[tuple[dict[str, Any], str, Any]] = []
        self._restore: list[Callable[[], object]] = []
        """What puts back the state of the generators that all code shares."""
        self._seed = 0
        self._loading: set[str] = set()

    def enter(self, namespaces: Iterable[dict[str, Any]], random_seed: int) -> None:
        """Put them in force, in ``namespaces`` also for names that were bound earlier."""
        with self._lock:
            if self._made is None:
                self._made = [one for room in _ROOMS for one in room.stand_ins()]
            if self._runs == 0:
                self._seed = random_seed
                self._put(self._made)
                self._put(waiting.of_input())
                # For whoever bound a function of ``random`` where nothing is rebound, in a library for instance.
                state = random._inst.getstate()
                self._restore.append(lambda: random._inst.setstate(state))
                random._inst.seed(random_seed)
                numbering.number_derived()
                for name in (*_LATE, *generators.GENERATORS):
                    if name in sys.modules:
                        self._take(name)
                refusals.listen(self.imported)
            self._runs += 1
            for names in namespaces:
                for name, value in list(names.items()):
                    replacement = self._bound.get(id(value)) or waiting.guarded(value)
                    if replacement is not None:
                        self._rebound.append((names, name, value))
                        names[name] = replacement

    def _put(self, stand_ins: Iterable[StandIn]) -> None:
        for owner, name, value in stand_ins:
            original = vars(owner)[name]
            self._originals.append(StandIn(owner, name, original))
            if not isinstance(owner, type):
                self._bound[id(original)] = value
            setattr(owner, name, value)

    def _take(self, name: str) -> None:
        """Take control of a module that is not always there."""
        module = sys.modules[name]
        if name in _LATE:
            if name not in self._late:
                self._late[name] = list(_LATE[name](module))
            self._put(self._late[name])
        else:
            self._restore.append(generators.GENERATORS[name](module, self._seed))

    def imported(self, name: str) -> None:
        """Load a module that is about to be imported while a run lasts, if it is one to take control of."""
        if (name in _LATE or name in generators.GENERATORS) and self._runs and name not in sys.modules:
            if name in self._loading:
                return
            self._loading.add(name)
            try:
                contextvars.Context().run(importlib.import_module, name)  # in no node's step
            finally:
                self._loading.discard(name)
            with self._lock:
                if self._runs:
                    self._take(name)

    def leave(self) -> None:
        """Take them back, with the last run that needed them."""
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                for names, name, value in self._rebound:
                    names[name] = value
                self._rebound.clear()
                for owner, name, original in reversed(self._originals):
                    setattr(owner, name, original)
                self._originals.clear()
                self._bound.clear()
                for restore in self._restore:
                    restore()
                self._restore.clear()


_in_force = _InForce()


@contextmanager
def controlled(namespaces: Iterable[dict[str, Any]], random_seed: int) -> Iterator[None]:
    """Clock, entropy and module-level ``random`` under the simulation's control, for steps of nodes only."""
    _in_force.enter(namespaces, random_seed)
    try:
        yield
    finally:
        _in_force.leave()
