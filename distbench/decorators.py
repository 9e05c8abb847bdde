"""``@distbench``, ``@handler``, ``config_field`` and ``child_algorithm``: they mark, they build nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, overload

from distbench.algorithm import Algorithm
from distbench.errors import DefinitionError
from distbench.messages import message
from distbench.namespace import Namespace, namespace_at

__all__ = [
    "ChildMark",
    "FieldMark",
    "HandlerMark",
    "child_algorithm",
    "config_field",
    "distbench",
    "handler",
    "message",
]

A = TypeVar("A", bound=type[Algorithm])
F = TypeVar("F", bound=Callable[..., Any])

MISSING: Final = object()
"""No default was given."""


@dataclass(frozen=True, slots=True)
class HandlerMark:
    """Left on a function by ``@handler``."""

    from_child: str | None = None


@dataclass(frozen=True, slots=True)
class FieldMark:
    """Left in a class body by ``config_field``."""

    required: bool
    default: object
    default_factory: Callable[[], object] | None


@dataclass(frozen=True, slots=True)
class ChildMark:
    """Left in a class body by ``child_algorithm``."""

    cls: type[Algorithm]


@dataclass(frozen=True, slots=True)
class ClassMark:
    """Left on a class by ``@distbench``: the names that its annotations may use."""

    cls: type
    namespace: Namespace


def _is_algorithm(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, Algorithm)


@overload
def distbench(cls: A, /) -> A: ...
@overload
def distbench() -> Callable[[A], A]: ...
def distbench(cls: A | None = None, /) -> A | Callable[[A], A]:
    """Mark an ``Algorithm`` subclass as one that can be run."""
    frame = sys._getframe(1)

    def mark(marked: A) -> A:
        if not _is_algorithm(marked):
            raise DefinitionError(f"@distbench marks a subclass of Algorithm, which {marked!r} is not")
        marked.__distbench__ = ClassMark(marked, namespace_at(marked, frame))  # type: ignore[attr-defined]
        return marked

    return mark if cls is None else mark(cls)


@overload
def handler(function: F, /) -> F: ...
@overload
def handler(*, from_child: str | None = None) -> Callable[[F], F]: ...
def handler(function: F | None = None, /, *, from_child: str | None = None) -> F | Callable[[F], F]:
    """Mark a method as handler of a message from a peer, or of what the child ``from_child`` delivers."""

    def mark(marked: F) -> F:
        if not callable(marked):
            raise DefinitionError(f"@handler marks an async method, not {marked!r}")
        marked.__distbench_handler__ = HandlerMark(from_child)  # type: ignore[attr-defined]
        return marked

    return mark if function is None else mark(function)


def config_field(
    *, required: bool = False, default: Any = MISSING, default_factory: Callable[[], Any] | None = None
) -> Any:
    """A field whose value comes from the node's block of the config, checked against the annotation.

    Without a value there, ``default`` or what ``default_factory`` returns; a field with neither is None, or, with
    ``required=True``, an error before the run.
    """
    if required and (default is not MISSING or default_factory is not None):
        raise DefinitionError("config_field: a required field has no default; give one of the two")
    if default is not MISSING and default_factory is not None:
        raise DefinitionError("config_field: give default or default_factory, not both")
    return FieldMark(required, default, default_factory)


def child_algorithm(cls: type[Algorithm], /) -> Any:
    """A layer below this one: an instance of ``cls`` that runs as part of it."""
    if not _is_algorithm(cls):
        raise DefinitionError(f"child_algorithm takes a subclass of Algorithm, which {cls!r} is not")
    return ChildMark(cls)
