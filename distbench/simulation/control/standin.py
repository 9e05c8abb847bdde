"""One name of the standard library, and what stands there while a run lasts."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any, NamedTuple


class StandIn(NamedTuple):
    """``value`` stands in ``owner`` under ``name``."""

    owner: Any
    """A module or a class."""
    name: str
    value: Any


class StandInClass(ABCMeta):  # and so no metaclass conflict for who inherits from an ABC as well
    """The class that stands in for the one it inherits from: whatever is an instance of that is one of this."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **named: Any) -> Any:
        if not any(isinstance(base, mcs) for base in bases):
            return super().__new__(mcs, name, bases, namespace, **named)
        # A class that is defined while a run lasts outlives it, so it inherits from what will be there then.
        originals = tuple(base.__mro__[1] if isinstance(base, mcs) else base for base in bases)
        made = type(name, originals, namespace, **named)
        for base in bases:
            if isinstance(base, mcs):
                base.subclassed(made)
        return made

    def subclassed(cls, made: type) -> None:
        """``made`` has just been derived from it."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__mro__[1])
