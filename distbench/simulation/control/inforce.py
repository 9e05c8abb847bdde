"""The stand-ins, put in force while runs last, and taken back.

What the user's modules bound earlier (``from time import time``) is replaced there as well. All of it is taken back at
the end; runs in several threads share one set of stand-ins.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import BuiltinMethodType, MethodType
from typing import Any

from distbench.simulation.control import asynchronous, clocks, dates, entropy, imports, refusals
from distbench.simulation.control.ownership import is_of_user, names_in
from distbench.simulation.control.references import References
from distbench.simulation.control.searching import Place
from distbench.simulation.control.standin import ABSENT, StandIn, as_bound

_ROOMS = (clocks, dates, entropy, asynchronous, refusals, imports)


class _Exchange:
    """What each of the originals is replaced by where somebody holds it, and the other way round."""

    def __init__(self, originals: Iterable[StandIn], made: Iterable[StandIn]) -> None:
        self._by_id: dict[int, Any] = {}
        self._of_class: dict[tuple[int, str], Any] = {}
        self._kept = [*originals, *made]  # so that no other object comes to have their address
        self._inst: dict[str, Any] = {}
        for original, stand_in in zip(originals, made, strict=True):
            if stand_in.value is ABSENT or not callable(getattr(original.value, "__func__", original.value)):
                continue
            self._by_id[id(original.value)] = stand_in.value
            if isinstance(original.owner, type):
                self._of_class[id(original.owner), original.name] = stand_in.value
            elif original.owner is random:
                self._inst[original.name] = stand_in.value

    def __call__(self, value: Any) -> Any:
        """What is to stand for it; ``value`` itself where nothing is."""
        found = self._by_id.get(id(value))
        if found is not None:
            return found
        kind = type(value)
        if kind is not BuiltinMethodType and kind is not MethodType:
            return value
        owner, name = value.__self__, value.__name__
        if isinstance(owner, type):  # 'datetime.now' is another object each time
            for cls in owner.__mro__:
                found = self._of_class.get((id(cls), name))
                if found is not None:
                    return found.__get__(None, owner) if hasattr(found, "__func__") or kind is MethodType else value
                if name in vars(cls):
                    break
        elif owner is random._inst:
            return self._inst.get(name, value)
        return value


class _InForce:
    """The stand-ins that are in force, counted by the runs that need them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._stays = 0
        self._made: list[StandIn] | None = None
        self._originals: list[StandIn] = []
        self._references = References()
        self._changed: list[Place] = []
        self._streams: dict[int, tuple[random.Random, Any]] = {}
        self._state: Any = None

    def enter(self, namespaces: Iterable[dict[str, Any]], classes: Iterable[type], random_seed: int) -> None:
        """Put them in force, also for what the user's modules, ``namespaces`` and ``classes`` bound earlier."""
        with self._lock:
            first = self._runs == 0
            if first:
                if not self._stays:
                    self._put()
                # For whoever bound a function of ``random`` where nothing is rebound, in a library for instance.
                self._state = random._inst.getstate()
                random._inst.seed(random_seed)
            self._runs += 1
            try:
                self._rebind(namespaces, classes, keep=first)
            except BaseException:  # Ctrl-C perhaps
                self._leave()
                raise

    def _rebind(self, namespaces: Iterable[dict[str, Any]], classes: Iterable[type], *, keep: bool) -> None:
        places, streams = self._references.look(namespaces, classes, self._exchange, keep=keep)
        for place in places:
            if place.change():
                self._changed.append(place)
        for stream in streams:
            if id(stream) not in self._streams:
                self._streams[id(stream)] = stream, stream.getstate()

    def leave(self) -> None:
        """Take them back, with the last run that needed them."""
        with self._lock:
            self._leave()

    def _leave(self) -> None:
        self._runs -= 1
        if self._runs:
            return
        for stream, state in self._streams.values():
            stream.setstate(state)
        self._streams.clear()
        random._inst.setstate(self._state)
        if not self._stays:
            self._take_back()

    def stay(self) -> None:
        """Put them in force, also between runs."""
        with self._lock:
            if not self._runs and not self._stays:
                self._put()
            self._stays += 1
            imports.imports.everywhere = True

    def stay_no_longer(self) -> None:
        """Take them back, unless there is a run still."""
        with self._lock:
            self._stays -= 1
            imports.imports.everywhere = self._stays > 0
            if not self._runs and not self._stays:
                self._take_back()

    def _put(self) -> None:
        if self._made is None:
            made = [one for room in _ROOMS for one in room.stand_ins()]
            self._made = [one._replace(value=as_bound(one.original().value, one.value)) for one in made]
        found = [one.original() for one in self._made]
        known = [one.value for one in self._originals]
        if not known or any(one.value is not value for one, value in zip(found, known, strict=True)):
            self._originals = found  # others replace such functions as well, in tests
            self._exchange = _Exchange(self._originals, self._made)
        for one in self._made:
            one.put()
        imports.imports.loaded.clear()

    def _take_back(self) -> None:
        for place in reversed(self._changed):
            place.take_back()
        self._changed.clear()
        for original in self._originals:
            original.put()
        loaded = [(name, names_in(sys.modules.get(name))) for name in imports.imports.loaded]
        imports.imports.loaded.clear()
        mine = [names for name, names in loaded if names and is_of_user(name, names.get("__file__"))]
        if mine:  # while the runs lasted: what these modules bound are the stand-ins
            back = _Exchange(self._made or (), self._originals)
            for names in mine:
                for place in self._references.found_in(names, back):
                    place.change()


_in_force = _InForce()


@contextmanager
def controlled(namespaces: Iterable[dict[str, Any]], classes: Iterable[type], random_seed: int) -> Iterator[None]:
    """Clock, entropy and module-level ``random`` under the simulation's control, for steps of nodes only."""
    _in_force.enter(namespaces, classes, random_seed)
    try:
        yield
    finally:
        _in_force.leave()


@contextmanager
def controlled_throughout() -> Iterator[None]:
    """The same also between runs and before the first: what is imported meanwhile never sees the real functions.

    The top level of the user's modules gets a fixed date and entropy of its own.
    """
    _in_force.stay()
    try:
        yield
    finally:
        _in_force.stay_no_longer()
