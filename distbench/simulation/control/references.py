"""Where the user's modules keep a function that a run replaces: ``from time import time``, a default, a closure.

A name that is looked up in the standard library finds the stand-in there. What was taken from it before, and kept, is
found here by its identity, once for each name of a namespace, and looked for again where that name has come to mean
something else.
"""

from __future__ import annotations

import operator
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from distbench.simulation.control.ownership import Modules, names_in
from distbench.simulation.control.searching import Found, Place, Replace, Search, is_simple

_ABSENT: Final = object()


class Names:
    """The names of a module or of a class, and what was found behind each."""

    def __init__(self, owner: dict[str, Any] | type, home: dict[str, Any]) -> None:
        """``home`` are the names of the module that it belongs to."""
        self.owner = owner
        self._home = home
        self._seen: dict[str, Any] = {}
        self.found: dict[str, Found] = {}

    @property
    def has_grown(self) -> bool:
        """Whether there are more of them or fewer."""
        return len(self._current()) != len(self._seen)

    def refresh(self, search: Search) -> bool:
        """Look behind the names that mean something else than before; whether there were any."""
        current, seen = self._current(), self._seen
        if len(current) == len(seen) and all(map(operator.is_, list(current.values()), seen.values())):
            return False
        found: dict[str, Found] = {}
        self._seen = dict(current)
        for name, value in self._seen.items():
            if seen.get(name, _ABSENT) is not value:
                if not is_simple(value, self._home):
                    found[name] = search.behind(self.owner, name, value, self._home)
            elif name in self.found:
                found[name] = self.found[name]
        self.found = found
        return True

    def _current(self) -> Mapping[str, Any]:
        return self.owner if isinstance(self.owner, dict) else vars(self.owner)


class Room:
    """A module, or a class that belongs to none: its names and those of the classes that are found there."""

    def __init__(self, owner: dict[str, Any] | type, home: dict[str, Any]) -> None:
        self._own = Names(owner, home)
        self._home = home
        self._names: dict[int, Names] = {id(owner): self._own}
        self.places: list[Place] = []
        self.randoms: list[random.Random] = []
        self.near: list[dict[str, Any]] = []

    @property
    def has_grown(self) -> bool:
        """Whether there are more names or fewer, those of classes apart."""
        return self._own.has_grown

    def refresh(self, search: Search) -> None:
        """Look behind all names that mean something else than before."""
        names: dict[int, Names] = {}
        changed = False
        waiting: list[dict[str, Any] | type] = [self._own.owner]
        while waiting:
            owner = waiting.pop()
            if id(owner) not in names:
                one = names[id(owner)] = self._names.get(id(owner)) or Names(owner, self._home)
                changed |= one.refresh(search)
                waiting += [cls for found in one.found.values() for cls in found.classes]
        if changed:
            self._names = names
            every = [found for one in names.values() for found in one.found.values()]
            self.places = [place for found in every for place in found.places]
            self.randoms = [one for found in every for one in found.randoms]
            self.near = list({id(near): near for found in every for near in found.near}.values())


class References:
    """The places of all that the user's modules keep."""

    def __init__(self) -> None:
        self._modules = Modules()
        self._rooms: dict[int, tuple[dict[str, Any], Room]] = {}

    def look(
        self, namespaces: Iterable[dict[str, Any]], classes: Iterable[type], replace: Replace, *, keep: bool
    ) -> tuple[list[Place], list[random.Random]]:
        """Places and generators in the user's modules, in these namespaces, and in these classes.

        ``keep``: nothing has been changed yet, so that what is found is worth to be kept for another time.
        """
        everywhere = self._modules.namespaces()
        search = Search(replace, self._modules)
        rooms = self._rooms if keep else dict(self._rooms)
        if len(rooms) > len(everywhere):
            for key in [key for key, (names, _) in rooms.items() if not self._modules.has(names)]:
                del rooms[key]
        found: list[Room] = []
        roots = list(namespaces)
        for names in everywhere:
            known = rooms.get(id(names))
            if known is None or known[1].has_grown:
                room = Room(names, names) if known is None or not keep else known[1]
                room.refresh(search)
                known = rooms[id(names)] = names, room
            found.append(known[1])
        for cls in classes:
            home = names_in(sys.modules.get(cls.__module__))
            if "<locals>" in cls.__qualname__ or not self._modules.has(home):  # else it was found in its module
                room = Room(cls, home)
                room.refresh(search)
                found.append(room)
                roots += room.near
        found += self._near(roots, rooms, search, keep)
        return [place for room in found for place in room.places], [one for room in found for one in room.randoms]

    def found_in(self, names: dict[str, Any], replace: Replace) -> list[Place]:
        """Places in one namespace alone; nothing of it is kept."""
        self._modules.namespaces()
        self._rooms.pop(id(names), None)
        room = Room(names, names)
        room.refresh(Search(replace, self._modules))
        return room.places

    def _near(
        self, roots: list[dict[str, Any]], rooms: dict[int, tuple[dict[str, Any], Room]], search: Search, keep: bool
    ) -> Iterator[Room]:
        """Look again at all names of ``roots`` and of what they name; the rooms of those that are no modules."""
        done: set[int] = set()
        while roots:
            names = roots.pop()
            if id(names) in done:
                continue
            done.add(id(names))
            known = rooms.get(id(names))
            room = Room(names, names) if known is None else known[1]
            if keep or known is None:
                room.refresh(search)
            if known is None:
                yield room
            roots.extend(room.near)
