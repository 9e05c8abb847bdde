"""The names that the annotations of a class may use: those of its module, registered or not, and those around it."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

_NOTHING: Mapping[str, Any] = types.MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where a class was defined. Code from ``exec`` or ``runpy`` belongs to no module that could be looked up."""

    names: dict[str, Any] = field(repr=False)
    """Of the module, as they are now: what is defined later is found."""
    local: Mapping[str, Any] = field(repr=False)
    """Of the function around the class, at the decorator."""

    def without_local(self) -> Namespace:
        """The same module; the names of the function are let go."""
        return Namespace(self.names, _NOTHING)


NOWHERE: Final = Namespace({}, _NOTHING)
"""No names but those that a class brings with it."""


def namespace_at(cls: type, frame: types.FrameType) -> Namespace:
    """The names of ``cls``, which was marked in ``frame``."""
    inside = frame.f_locals is not frame.f_globals
    return Namespace(names_of(cls, frame.f_globals), dict(frame.f_locals) if inside else _NOTHING)


def names_of(cls: type, near: dict[str, Any]) -> dict[str, Any]:
    """The names of the module that defines ``cls``. ``near`` are those of a module where it is used, or defined."""
    module = cls.__module__
    if near and near.get("__name__", "builtins") == module:
        return near
    for value in vars(cls).values():
        if isinstance(value, types.FunctionType) and value.__module__ == module:
            return value.__globals__
    found = sys.modules.get(module)
    return near if found is None else vars(found)


def file_of(cls: type) -> str | None:
    """The file that defines the class; None for a script, and for what was made without a file."""
    try:
        return inspect.getsourcefile(cls) if cls.__module__ != "__main__" else None
    except TypeError:
        return None


class _Module:
    """What stands in ``sys.modules`` for a module that is not there."""


@contextmanager
def looked_up(cls: type, names: dict[str, Any]) -> Iterator[None]:
    """Meanwhile ``dataclasses`` and others, who look the module of ``cls`` up, find these names."""
    module = cls.__module__
    if vars(sys.modules.get(module, _Module())) is names:
        yield
        return
    stand_in, name = _Module(), f"distbench names {id(cls)}"
    stand_in.__dict__ = names
    sys.modules[name] = stand_in  # type: ignore[assignment]
    cls.__module__ = name
    try:
        yield
    finally:
        cls.__module__ = module
        del sys.modules[name]
