"""The stand-ins, put in force while runs last, and taken back.

What the user's modules bound earlier (``from time import time``) is replaced there as well. All of it is taken back at
the end; runs in several threads share one set of stand-ins.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import BuiltinMethodType, MethodType, ModuleType
from typing import Any, Final

from distbench.simulation.control import (
    asynchronous,
    clocks,
    dates,
    entropy,
    garbage,
    generators,
    identity,
    imports,
    numbering,
    records,
    refusals,
    unordered,
    waiting,
)
from distbench.simulation.control.ownership import is_of_user, names_in
from distbench.simulation.control.references import References
from distbench.simulation.control.searching import Place
from distbench.simulation.control.standin import ABSENT, StandIn, as_bound

_ROOMS: Final = (
    clocks, dates, entropy, asynchronous, unordered, numbering, garbage, identity, refusals, waiting, records,
    imports,
)  # fmt: skip
_LATE: Final[dict[str, Callable[[ModuleType], Iterator[StandIn]]]] = {
    "multiprocessing.connection": waiting.of_connections,
    "multiprocessing.synchronize": waiting.of_semaphores,
    "nacl.bindings": entropy.of_sodium,
    "resource": identity.of_resource,
    "ssl": entropy.of_ssl,
    "tempfile": generators.of_tempfile,
}
"""Modules that are not always loaded: their stand-ins, put in force when they are, perhaps in the middle of a run."""


_BEHIND: Final = ("posix", "nt", "_socket", "_signal", "_queue", "_asyncio")


class _Exchange:
    """What each of the originals is replaced by where somebody holds it, or the other way round."""

    def __init__(self) -> None:
        self._by_id: dict[int, Any] = {}
        self._of_class: dict[tuple[int, str], Any] = {}
        self._kept: list[StandIn] = []  # so that no other object comes to have their address
        self._inst: dict[str, Any] = {}

    def add(self, old: StandIn, new: StandIn) -> None:
        """``new`` is to stand for ``old``."""
        if new.value is ABSENT or not callable(getattr(old.value, "__func__", old.value)):
            return
        self._kept += old, new
        self._by_id[id(old.value)] = new.value
        if isinstance(old.owner, type):
            self._of_class[id(old.owner), old.name] = new.value
        elif old.owner is random:
            self._inst[old.name] = new.value

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
        self._lock = threading.RLock()
        self._runs = 0
        self._stays = 0
        self._made: list[StandIn] | None = None
        self._late: dict[str, list[StandIn]] = {}
        self._put: list[tuple[StandIn, StandIn]] = []
        """What was there before, and what is there now."""
        self._known: list[tuple[StandIn, StandIn]] = []
        """Of that, what the exchange is made of."""
        self._exchange = _Exchange()
        self._references = References()
        self._changed: list[Place] = []
        self._restore: list[Callable[[], object]] = []
        """What puts back the state that all code shares, of generators and of logging."""
        self._streams: dict[int, tuple[random.Random, Any]] = {}
        self._seed = 0

    def enter(self, namespaces: Iterable[dict[str, Any]], classes: Iterable[type], random_seed: int) -> None:
        """Put them in force, also for what the user's modules, ``namespaces`` and ``classes`` bound earlier."""
        with self._lock:
            first = self._runs == 0
            self._runs += 1
            try:
                if first:
                    self._seed = random_seed
                    self._put_all()
                    self._put_one_by_one(waiting.of_input())
                    self._seed_generators()
                    self._restore.append(records.LoggingState().restore)
                    numbering.number_derived()
                self._rebind(namespaces, classes, keep=first)
            except BaseException:  # Ctrl-C perhaps
                self._leave()
                raise

    def stay(self) -> None:
        """Put them in force, also between runs."""
        with self._lock:
            self._put_all()
            self._stays += 1
            imports.imports.everywhere = True

    def stay_no_longer(self) -> None:
        """Take them back, unless there is a run still."""
        with self._lock:
            self._stays -= 1
            imports.imports.everywhere = self._stays > 0
            if not self._runs and not self._stays:
                self._take_back()

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
        for restore in self._restore:
            restore()
        self._restore.clear()
        if not self._stays:
            self._take_back()

    def _seed_generators(self) -> None:
        # For whoever bound a function of ``random`` where nothing is rebound, in a library for instance.
        state = random._inst.getstate()
        self._restore.append(lambda: random._inst.setstate(state))
        random._inst.seed(self._seed)
        for name in generators.GENERATORS:
            if name in sys.modules:
                self._restore.append(generators.GENERATORS[name](sys.modules[name], self._seed))

    def _rebind(self, namespaces: Iterable[dict[str, Any]], classes: Iterable[type], *, keep: bool) -> None:
        places, streams = self._references.look(namespaces, classes, self._replace, keep=keep)
        for place in places:
            if place.change():
                self._changed.append(place)  # at once: Ctrl-C may come
        for stream in streams:
            if id(stream) not in self._streams:
                self._streams[id(stream)] = stream, stream.getstate()

    def _replace(self, value: Any) -> Any:
        found = self._exchange(value)
        return (waiting.guarded(value) or value) if found is value else found

    # -------------------------------------------------- of the standard library

    def _put_all(self) -> None:
        if self._put:
            return
        if self._made is None:
            made = _bound(one for room in _ROOMS for one in room.stand_ins())
            self._made = [*made, *_twins(made)]
        self._put_one_by_one(self._made)
        for name in _LATE:
            if name in sys.modules:
                self._put_late(name)
        self._know()
        refusals.listen()
        imports.imports.loaded.clear()
        imports.imports.on_loaded = self._loaded

    def _put_one_by_one(self, stand_ins: Iterable[StandIn]) -> None:
        for one in stand_ins:
            self._put.append((one.original(), one))
            one.put()

    def _know(self) -> None:
        """What is to stand for what: mostly the same as in the run before, which has found that out."""
        if len(self._put) != len(self._known) or any(
            old.value is not known.value for (old, _), (known, _) in zip(self._put, self._known, strict=True)
        ):
            self._exchange, self._known = _Exchange(), list(self._put)
            for old, new in self._known:
                self._exchange.add(old, new)

    def _put_late(self, name: str) -> None:
        if name not in self._late:
            self._late[name] = _bound(_LATE[name](sys.modules[name]))
        self._put_one_by_one(self._late[name])

    def _loaded(self, name: str) -> None:
        """A module has come while they are in force."""
        with self._lock:
            if name in _LATE:
                self._put_late(name)
                self._know()
            if self._runs and name in generators.GENERATORS:
                self._restore.append(generators.GENERATORS[name](sys.modules[name], self._seed))

    def _take_back(self) -> None:
        for place in reversed(self._changed):
            place.take_back()
        self._changed.clear()
        for original, _ in reversed(self._put):
            original.put()
        loaded = [(name, names_in(sys.modules.get(name))) for name in imports.imports.loaded]
        imports.imports.loaded.clear()
        mine = [names for name, names in loaded if names and is_of_user(name, names.get("__file__"))]
        if mine:  # while the runs lasted: what these modules bound are the stand-ins
            back = _Exchange()
            for original, one in self._put:
                back.add(one, original)
            for names in mine:
                for place in self._references.found_in(names, back):
                    place.change()
        self._put.clear()


def _twins(stand_ins: Iterable[StandIn]) -> Iterator[StandIn]:
    """The same for the modules of C code that a module of the standard library takes its functions from."""
    behind = [sys.modules[name] for name in _BEHIND if name in sys.modules]
    for one in stand_ins:
        for module in behind:
            if isinstance(one.owner, ModuleType) and module is not one.owner and one.value is not ABSENT:
                there = vars(module).get(one.name, ABSENT)
                if there is not ABSENT and there is one.original().value:
                    yield one._replace(owner=module)


def _bound(stand_ins: Iterable[StandIn]) -> list[StandIn]:
    return [one._replace(value=as_bound(one.original().value, one.value)) for one in stand_ins]


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
