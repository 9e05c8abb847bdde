"""One name of the standard library, and what stands there while a run lasts."""

from __future__ import annotations

import gc
from abc import ABCMeta
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Final, NamedTuple

ABSENT: Final = object()
"""The value of a name that is not there."""
_IMMUTABLE: Final = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE


class StandIn(NamedTuple):
    """``value`` stands in ``owner`` under ``name``."""

    owner: Any
    """A module or a class, one of C code included."""
    name: str
    value: Any
    """``ABSENT`` where the name is to go."""

    def original(self) -> StandIn:
        """What stands there now."""
        return StandIn(self.owner, self.name, vars(self.owner).get(self.name, ABSENT))

    def put(self) -> None:
        """Let it stand there."""
        if isinstance(self.owner, type) and self.owner.__flags__ & _IMMUTABLE:
            _put_into_c(self.owner, self.name, self.value)
        elif self.value is not ABSENT:
            setattr(self.owner, self.name, self.value)
        elif self.name in vars(self.owner):
            delattr(self.owner, self.name)


def _put_into_c(owner: type, name: str, value: Any) -> None:
    """Change a method of a class that is written in C, such as ``datetime.datetime``.

    Python forbids it, since all interpreters of a process may share the class; another class in its place would be
    none to ``type(x) is datetime``, to pickle, to annotations, nor to the subclasses that a program made before.
    """
    (names,) = gc.get_referents(vars(owner))
    if value is ABSENT:
        names.pop(name, None)
    else:
        names[name] = value
    # What else would tell the interpreter to look methods of this class up anew.
    abstract: Any = vars(type)["__abstractmethods__"]
    abstract.__set__(owner, frozenset())
    abstract.__delete__(owner)


class Routine:
    """Stands for a function of C code, which is no method where it stands in a class: ``clock = time.monotonic``."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.__doc__ = real.__doc__
        self.__name__ = real.__name__
        self.__qualname__ = real.__name__
        self.__module__ = getattr(real, "__module__", None) or type(real.__self__).__module__

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._real(*args, **named)

    def __repr__(self) -> str:
        return repr(self._real)

    def __reduce__(self) -> str:
        return str(self.__name__)


def routine(real: Any, function: Callable[..., Any]) -> Routine:
    """``function`` in the place of the builtin ``real``; the first argument, unless it is static, is of no use."""
    made: Routine = type("Routine", (Routine,), {"__call__": function})(real)
    return made


def as_bound(original: Any, value: Any) -> Any:
    """``value`` so that it becomes a method of a class no more than ``original`` does, in whose place it stands."""
    if not isinstance(value, FunctionType) or (hasattr(original, "__get__") and not isinstance(original, MethodType)):
        return value
    return routine(original, staticmethod(value)) if callable(original) else value


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
