"""Looks for what a run replaces behind a name of the user's: in classes, defaults, closures, containers."""

from __future__ import annotations

import builtins
import collections
import dataclasses
import functools
import operator
import random
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from distbench.definition import AlgorithmDefinition, ConfigField
from distbench.simulation.control.ownership import Modules, is_of_user, names_in

_DEPTH: Final = 6
"""How far into values that hold others."""
_MOST: Final = 1_000
"""Values in one container, above which it holds data."""
_BUDGET: Final = 5_000
"""Values behind one name that are looked at."""
_PLAIN: Final = frozenset(
    {int, str, float, bool, bytes, complex, range, type(None), types.CodeType, types.GenericAlias}
)
_ATTRIBUTES: Final[Mapping[type, tuple[str, ...]]] = {
    dataclasses.Field: ("default", "default_factory"),
    ConfigField: ("default", "default_factory"),
    collections.defaultdict: ("default_factory",),
    functools.cached_property: ("func",),
    functools.partialmethod: ("func", "args", "keywords"),
}
_OPEN: Final = frozenset({types.SimpleNamespace, collections.UserDict, collections.UserList, collections.ChainMap})
"""Classes of the standard library whose instances are there to hold values of their users."""
_ABSENT: Final = object()
_BUILTINS: Final = vars(builtins)
_OURS: Final = "distbench."
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by code, and not by the interpreter itself

Replace = Callable[[Any], Any]
"""What is to stand for a value; the value itself where nothing is."""


def is_simple(value: Any, home: dict[str, Any]) -> bool:
    """Whether there is nothing behind it, as for most of what a module has."""
    kind = type(value)
    if kind is not types.FunctionType:
        return kind in _PLAIN
    kept = value.__defaults__ or value.__kwdefaults__ or value.__closure__ or value.__dict__
    return not kept and value.__globals__ is home


class Place(NamedTuple):
    """Somewhere that holds ``old`` for which ``new`` is to stand."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
    old: Any
    new: Any

    def change(self) -> bool:
        """Whether it still held ``old``, and so holds ``new`` now."""
        if self.read() is not self.old:
            return False
        try:
            self.write(self.new)
        except (AttributeError, TypeError):  # it is of a kind that nobody may change
            return False
        return True

    def take_back(self) -> None:
        """Let it hold ``old`` again, unless somebody has put something else there."""
        if self.read() is self.new:
            self.write(self.old)


class Found:
    """What was found behind one name."""

    __slots__ = ("classes", "near", "places", "randoms")

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.randoms: list[random.Random] = []
        self.classes: list[type] = []
        """Those of the user's classes that belong to the namespace."""
        self.near: list[dict[str, Any]] = []
        """Namespaces of other modules that are named there."""


class Search:
    """Looks for values to replace, and for generators, in whatever a name means."""

    def __init__(self, replace: Replace, modules: Modules) -> None:
        self._replace = replace
        self._modules = modules
        self._found = Found()
        self._memo: dict[int, tuple[Any, Any]] = {}
        self._home: dict[str, Any] = {}
        self._left = 0

    def behind(self, owner: dict[str, Any] | type, name: str, value: Any, home: dict[str, Any]) -> Found:
        """All that is found behind one name."""
        self._found, self._memo, self._home, self._left = Found(), {}, home, _BUDGET
        if isinstance(owner, dict):
            self._item(owner, name, value, 0)
        else:
            read = functools.partial(vars(owner).get, name)
            self._hold(read, functools.partial(type.__setattr__, owner, name), value, 0)
        return self._found

    def _hold(self, read: Callable[[], Any], write: Callable[[Any], object], value: Any, depth: int) -> None:
        new = self._new(value, depth)
        if new is not value:
            self._found.places.append(Place(read, write, value, new))

    def _item(self, holder: dict[Any, Any], key: Any, value: Any, depth: int) -> None:
        # Those of ``dict``: a subclass of the user's may do more.
        read, write = functools.partial(dict.get, holder, key), functools.partial(dict.__setitem__, holder, key)
        self._hold(read, write, value, depth)

    def _attribute(self, holder: Any, name: str, depth: int) -> None:
        value = getattr(holder, name, _ABSENT)
        if value is not _ABSENT:
            write = functools.partial(object.__setattr__, holder, name)
            self._hold(functools.partial(getattr, holder, name, _ABSENT), write, value, depth)

    def _new(self, value: Any, depth: int) -> Any:
        """What is to stand for ``value``: itself, if only what it holds is to change, which is noted."""
        kind = type(value)
        if kind in _PLAIN or depth > _DEPTH or self._left <= 0 or value is _BUILTINS:
            return value
        self._left -= 1
        known = self._memo.get(id(value))
        if known is not None:
            return known[1]
        new = self._replace(value)
        if new is value:
            self._memo[id(value)] = value, value  # it may hold itself
            new = self._inside(value, kind, depth + 1)
        self._memo[id(value)] = value, new
        return new

    def _inside(self, value: Any, kind: type, depth: int) -> Any:
        if kind is types.FunctionType:
            self._function(value, depth)
        elif issubclass(kind, type):
            self._class(value, depth)
        elif kind is types.ModuleType:
            self._module(value, depth)
        elif kind in (tuple, frozenset, set) or (issubclass(kind, tuple) and hasattr(kind, "_make")):
            return self._rebuilt(value, depth)
        elif kind in (staticmethod, classmethod):
            inner = self._new(value.__func__, depth)
            return value if inner is value.__func__ else kind(inner)
        elif kind is property:
            parts = [value.fget, value.fset, value.fdel]
            new = [self._new(part, depth) for part in parts]
            return value if all(map(operator.is_, new, parts)) else property(new[0], new[1], new[2], value.__doc__)
        elif kind is functools._lru_cache_wrapper:
            inner = self._new(value.__wrapped__, depth)
            return value if inner is value.__wrapped__ else functools.lru_cache(**value.cache_parameters())(inner)
        elif kind is types.MethodType:
            self._new(value.__func__, depth)
            self._new(value.__self__, depth)
        elif issubclass(kind, functools.partial):
            self._partial(value, depth)
        elif issubclass(kind, random.Random):
            if kind.getstate is random.Random.getstate and value is not random._inst:
                self._found.randoms.append(value)
        else:
            self._object(value, kind, depth)
        return value

    def _rebuilt(self, value: Any, depth: int) -> Any:
        if len(value) > _MOST:
            return value
        parts = list(value)
        new = [self._new(part, depth) for part in parts]
        if all(map(operator.is_, new, parts)):
            return value
        return value._make(new) if hasattr(value, "_make") else type(value)(new)

    def _partial(self, value: Any, depth: int) -> None:
        parts = (value.func, value.args, dict(value.keywords))
        func, args = self._new(value.func, depth), self._new(value.args, depth)
        words = {name: self._new(word, depth) for name, word in parts[2].items()}
        if func is not value.func or args is not value.args or any(words[name] is not parts[2][name] for name in words):
            old, new = (*parts, vars(value)), (func, args, words, vars(value))
            mark = [old]  # which of the two it holds; it cannot be asked for one thing

            def write(state: Any) -> None:
                value.__setstate__(state)
                mark[0] = state

            self._found.places.append(Place(lambda: mark[0], write, old, new))

    def _object(self, value: Any, kind: Any, depth: int) -> None:
        for each in kind.__mro__:
            for name in _ATTRIBUTES.get(each, ()):
                self._attribute(value, name, depth)
        if issubclass(kind, dict):
            if dict.__len__(value) <= _MOST:
                for key, part in list(dict.items(value)):
                    if type(part) not in _PLAIN:
                        self._item(value, key, part, depth)
        elif issubclass(kind, (list, collections.deque)):
            base: Any = list if issubclass(kind, list) else collections.deque
            if base.__len__(value) <= _MOST:
                for index, part in enumerate(list(base.__iter__(value))):
                    if type(part) not in _PLAIN:
                        write = functools.partial(base.__setitem__, value, index)
                        self._hold(functools.partial(_at, value, index), write, part, depth)
        elif kind is AlgorithmDefinition:
            for field in value.config_fields.values():
                self._new(field, depth)
        if not _OPEN.isdisjoint(kind.__mro__) or self._is_of_user(kind):
            attributes = names_in(value)
            for name, part in list(attributes.items()):
                if type(part) not in _PLAIN:
                    self._item(attributes, name, part, depth)
            for slot in _slots(kind):
                read = functools.partial(_in_slot, slot, value)
                self._hold(read, functools.partial(slot.__set__, value), read(), depth)

    def _function(self, function: types.FunctionType, depth: int) -> None:
        names, inner = function.__globals__, "<locals>" in function.__code__.co_qualname
        if names is not self._home:
            self._near(names)
            if str(names.get("__name__")).startswith(_OURS) and not self._modules.has(names):
                return  # a stand-in for one
            if names_in(sys.modules.get(names.get("__name__", ""))) is not names:
                self._new(names, depth)  # generated code, of a module that is nowhere
            elif not inner or self._is_installed(function):
                return
        for name in ("__defaults__", "__kwdefaults__"):
            value = getattr(function, name)
            if isinstance(value, tuple):
                read = functools.partial(getattr, function, name)
                self._hold(read, functools.partial(setattr, function, name), value, depth)
            elif value:
                self._new(value, depth)
        for cell in function.__closure__ or ():
            read = functools.partial(_content, cell)
            self._hold(read, functools.partial(setattr, cell, "cell_contents"), read(), depth)
        if function.__dict__:
            self._new(function.__dict__, depth)

    def _module(self, module: types.ModuleType, depth: int) -> None:
        names = names_in(module)
        name = str(names.get("__name__"))
        if sys.modules.get(name) is module:
            self._near(names)
        elif is_of_user(name, names.get("__file__")):  # loaded past 'import', so only who holds it knows it
            self._new(names, depth)

    def _class(self, cls: Any, depth: int) -> None:
        if not self._is_of_user(cls):
            return
        names = names_in(sys.modules.get(cls.__module__))
        if not self._is_home(cls) and self._modules.has(names) and "<locals>" not in cls.__qualname__:
            self._near(names)
            return
        if depth == 1:
            self._found.classes.append(cls)
        else:
            for name, value in list(vars(cls).items()):
                if type(value) not in _PLAIN:
                    read = functools.partial(vars(cls).get, name)
                    self._hold(read, functools.partial(type.__setattr__, cls, name), value, depth)
        for base in cls.__bases__:
            self._new(base, depth)

    def _near(self, names: dict[str, Any]) -> None:
        if names is not self._home and self._modules.has(names):
            self._found.near.append(names)

    def _is_of_user(self, cls: Any) -> bool:
        """Also a class of code that belongs to no module."""
        module = sys.modules.get(cls.__module__)
        return module is None or self._is_home(cls) or self._modules.has(names_in(module))

    def _is_home(self, cls: Any) -> bool:
        """Whether it is of the module that is looked at, which may share its name with another, or have none."""
        return cls.__module__ == self._home.get("__name__", "builtins") and bool(cls.__flags__ & _HEAP_TYPE)

    def _is_installed(self, function: types.FunctionType) -> bool:
        """Whether a library holds it under its name, unlike one that it made for its user."""
        names = names_in(sys.modules.get(function.__module__ or ""))
        return names.get(function.__name__) is function and not self._modules.has(names)


def _at(holder: Any, index: int) -> Any:
    return holder[index] if index < len(holder) else _ABSENT


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return None


def _slots(kind: Any) -> Iterator[types.MemberDescriptorType]:
    for each in kind.__mro__:
        if each.__flags__ & _HEAP_TYPE:
            yield from [member for member in vars(each).values() if type(member) is types.MemberDescriptorType]


def _in_slot(slot: types.MemberDescriptorType, holder: object) -> Any:
    try:
        return slot.__get__(holder)
    except AttributeError:  # nothing is in it
        return None
