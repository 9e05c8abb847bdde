"""``@message``: a dataclass that travels.

A message class is a msgspec Struct, written as an array that starts with the qualified name of its class; it
carries the marks of a dataclass, so that ``dataclasses.fields``, ``asdict``, ``replace`` and ``match`` work.
Behind each stands its *source*, the plain dataclass that it is made of. A class that inherits from a message is
first built on that source, so that every rule of dataclasses holds for it, until ``@message`` makes it a message.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import keyword
import sys
import threading
import types
import typing
import unicodedata
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar, dataclass_transform

import msgspec

from distbench.construction import explain_construction
from distbench.errors import DefinitionError
from distbench.namespace import Namespace, looked_up, namespace_at

C = TypeVar("C", bound=type)

_NOT_COPIED = frozenset(
    {"__dict__", "__weakref__", "__slots__", "__annotations__", "__annotate__", "__annotate_func__"}
)
_COMPARISONS = ("__eq__", "__lt__", "__le__", "__gt__", "__ge__")

_by_tag: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()


class MessageMeta(type(msgspec.Struct)):  # type: ignore[misc]
    """Class of message classes. What inherits from one is a plain class until ``@message`` makes it a message too."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], body: dict[str, Any], *, made: bool = False, **options: Any
    ) -> Any:
        if made:
            return super().__new__(mcls, name, bases, body, **options)
        sources = tuple(base.__dict__.get("__distbench_source__", base) for base in bases)
        return types.new_class(name, sources, options, lambda namespace: namespace.update(body))

    def __setattr__(cls, name: str, value: object) -> None:
        if name == "__match_args__":  # only @dataclass sets it
            raise DefinitionError(f"{cls.__qualname__}: write @message above @dataclass, not below it")
        super().__setattr__(name, value)


def _construct(cls: type, /, *args: Any, **kwargs: Any) -> Any:
    """Make a message; say in words what is wrong with the arguments."""
    try:
        return type(msgspec.Struct).__call__(cls, *args, **kwargs)
    except TypeError as error:
        own = error.__traceback__ is not None and error.__traceback__.tb_next is None
        text = explain_construction(cls, str(error)) if own else None
        if text is None:
            raise
        problem = TypeError(text)
    raise problem


MessageMeta.__call__ = _construct  # outside of runs

_runs: Final = [0]
_switching: Final = threading.Lock()


@contextmanager
def quick_construction() -> Iterator[None]:
    """While a run goes on, messages are made without that care, in a third of the time.

    One function comes and goes, on the class of all message classes: however many of these a process has, a run pays
    alike.
    """
    with _switching:
        if not _runs[0]:
            del MessageMeta.__call__
        _runs[0] += 1
    try:
        yield
    finally:
        with _switching:
            _runs[0] -= 1
            if not _runs[0]:
                MessageMeta.__call__ = _construct


@dataclass_transform(field_specifiers=(dataclasses.field, dataclasses.Field))
def message(cls: C) -> C:
    """Make ``cls`` a message: its annotated fields are what travels.

    Works alone or over ``@dataclass``. Instances compare by value, print like a dataclass, and are immutable
    (and hashable) where the dataclass said ``frozen=True``.
    """
    if not isinstance(cls, type):
        raise DefinitionError(f"@message marks a class, not {cls!r}")
    if is_message(cls):
        return cls
    frame = sys._getframe(1)
    where = f"{cls.__qualname__} ({frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno})"
    namespace = namespace_at(cls, frame)
    try:
        made = _make(_as_dataclass(cls, namespace, where), where)
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"{where}: {error}") from None
    made.__distbench_namespace__ = namespace  # what is local in it is let go when the class is first compiled
    return typing.cast(C, made)


def _as_dataclass(cls: Any, namespace: Namespace, where: str) -> Any:
    """The class as a dataclass; without a ``@dataclass`` of its own it is one like the message it inherits from."""
    for name in inspect.get_annotations(cls):
        if not name.isidentifier() or keyword.iskeyword(name):
            raise DefinitionError(f"{where}: {name!r} is no name that a field can have; choose another")
    if "__dataclass_fields__" in cls.__dict__:
        return cls
    inherited = getattr(cls, "__dataclass_params__", None)
    with looked_up(cls, namespace.names):
        if inherited is None:
            return dataclass(cls)
        return dataclass(eq=inherited.eq, order=inherited.order, frozen=inherited.frozen)(cls)


def _make(source: Any, where: str) -> Any:
    _check_source(source, where)
    inherited = {f for base in source.__mro__[1:] for f in base.__dict__.get("__dataclass_fields__", {}).values()}
    own = [f for f in dataclasses.fields(source) if f not in inherited]
    named_only = {f.kw_only for f in own}
    if len(named_only) > 1:
        raise DefinitionError(f"{where}: make all fields keyword-only, with @dataclass(kw_only=True), or none")
    parameters = source.__dataclass_params__
    tag = tag_for(source.__module__, source.__qualname__)
    options: dict[str, Any] = {
        "metaclass": MessageMeta,
        "made": True,
        "array_like": True,
        "forbid_unknown_fields": True,
        "tag": tag,
        "tag_field": "-",  # the name of no field; it is not written
        "frozen": parameters.frozen,
        "eq": parameters.eq,
        "order": parameters.order,
        "kw_only": named_only == {True},
    }
    if any(isinstance(v, functools.cached_property) for base in source.__mro__ for v in vars(base).values()):
        options["dict"] = True
    body = _body(source, own)
    made: Any = types.new_class(source.__name__, _bases(source), options, lambda namespace: namespace.update(body))
    made.__dataclass_fields__ = dict(source.__dataclass_fields__)
    made.__dataclass_params__ = parameters
    made.__distbench_source__ = source
    source.__distbench_made__ = made
    _mean_the_made_class(source, made)
    _by_tag[tag] = made
    return made


def _check_source(source: Any, where: str) -> None:
    for base in source.__mro__[1:]:
        if "__dataclass_fields__" in base.__dict__ and "__distbench_made__" not in base.__dict__:
            raise DefinitionError(f"{where}: its base {base.__qualname__} is no message; write @message above that too")
    for name, field in source.__dataclass_fields__.items():
        if field._field_type is dataclasses._FIELD_INITVAR:  # type: ignore[attr-defined]
            raise DefinitionError(f"{where}: {name!r} is an InitVar, which a message cannot have; make it a field")
        if field._field_type is dataclasses._FIELD and name[:2] == "__":  # type: ignore[attr-defined]
            raise DefinitionError(f"{where}: the name {name!r} of a field belongs to Python; choose another")
        if field._field_type is dataclasses._FIELD and not field.init:  # type: ignore[attr-defined]
            raise DefinitionError(f"{where}: the field {name!r} of a message cannot have init=False")
    for name in ("__init__", "__new__"):
        if name in source.__dict__ and not _is_generated(source.__dict__[name]):
            raise DefinitionError(f"{where}: a message is filled from its fields, not by {name}; use __post_init__")


def _bases(source: type) -> tuple[Any, ...]:
    written = source.__dict__.get("__orig_bases__", source.__bases__)
    bases = tuple(
        getattr(base, "__dict__", {}).get("__distbench_made__", base) for base in written if base is not object
    )
    if any(is_message(typing.get_origin(base) or base) for base in bases):
        return bases
    return (*bases, msgspec.Struct)


def _body(source: Any, own: list[dataclasses.Field[Any]]) -> dict[str, Any]:
    """What the user wrote in the class; of what ``@dataclass`` generated, only what a Struct does otherwise."""
    fields = dataclasses.fields(source)
    names = {field.name for field in fields}
    written = {
        name: value
        for name, value in source.__dict__.items()
        if name not in _NOT_COPIED and name not in names and not isinstance(value, types.MemberDescriptorType)
    }
    body = {n: v for n, v in written.items() if not _is_generated(v) and n not in ("__hash__", "__match_args__")}
    body["__qualname__"] = source.__qualname__
    if not all(field.repr for field in fields):
        body.setdefault("__repr__", source.__repr__)
    if not all(field.compare for field in fields):
        body |= {name: written[name] for name in _COMPARISONS if name in written}
    if written.get("__hash__") is not None:  # that of a Struct differs from process to process
        body["__hash__"] = written["__hash__"]
    body["__annotations__"] = {field.name: field.type for field in own}
    body.update((field.name, _default(field)) for field in own)
    return {name: value for name, value in body.items() if value is not msgspec.NODEFAULT}


def _default(field: dataclasses.Field[Any]) -> Any:
    factory: Any = field.default_factory
    if factory is not dataclasses.MISSING:
        if isinstance(factory, type) and factory.__module__ == "builtins":
            return msgspec.field(default_factory=factory)
        # Looked up when it is called: a run may put another there, where it is one of the system's clocks.
        return msgspec.field(default_factory=lambda: typing.cast(Any, field).default_factory())
    if field.default is dataclasses.MISSING:
        return msgspec.NODEFAULT
    plain = (bool, int, float, str, bytes, tuple, frozenset, enum.Enum)
    if field.default is None or isinstance(field.default, plain):
        return field.default
    return msgspec.field(default_factory=lambda: field.default)


def _is_generated(value: object) -> bool:
    """Whether ``@dataclass`` made this method."""
    if not isinstance(value, types.FunctionType):
        return False
    code = inspect.unwrap(value).__code__
    return str(code.co_qualname).startswith("__create_fn__.") or code.co_filename == dataclasses.__file__


def _mean_the_made_class(source: type, made: type) -> None:
    """``super()`` and ``__class__`` in methods shall mean the class that the user gets."""
    for value in source.__dict__.values():
        for part in ("__func__", "fget", "fset", "fdel", "func"):
            for cell in _cells(getattr(value, part, None), set()):
                _point(cell, source, made)
        for cell in _cells(value, set()):
            _point(cell, source, made)


def _point(cell: types.CellType, source: type, made: type) -> None:
    try:
        old = cell.cell_contents
    except ValueError:  # an empty cell
        return
    # With slots=True the dataclass is a second class, and the cell still holds the first.
    if isinstance(old, type) and (old.__module__, old.__qualname__) == (source.__module__, source.__qualname__):
        cell.cell_contents = made


def _cells(function: object, seen: set[int]) -> Iterator[types.CellType]:
    """The closure of a function, and those of the functions that it wraps."""
    if not isinstance(function, types.FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    for cell in function.__closure__ or ():
        yield cell
        try:
            yield from _cells(cell.cell_contents, seen)
        except ValueError:  # an empty cell
            continue


def is_message(cls: object) -> bool:
    """Whether ``cls`` is a class made by ``@message``."""
    return isinstance(cls, MessageMeta)


def tag_for(module: str, qualname: str) -> str:
    """What a message of that class is written with: its qualified name, in ASCII.

    msgspec compares other texts only in a process that has written them once.
    """
    return unicodedata.normalize("NFC", f"{module}.{qualname}").encode("ascii", "backslashreplace").decode("ascii")


def tag_of(cls: type) -> str:
    """The qualified name that a message of this class is written with."""
    tag = cls.__struct_config__.tag  # type: ignore[attr-defined]
    return typing.cast(str, tag)


def message_class(tag: str) -> type | None:
    """The registered message class of that qualified name."""
    return _by_tag.get(tag)


def type_name(value: object) -> str:
    """What a signature binds as the type: the qualified name of a message, ``value`` for any plain value."""
    return tag_of(type(value)) if is_message(type(value)) else "value"


def namespace_of(cls: Any) -> Namespace:
    """Names that the annotations of a message may use."""
    namespace: Namespace = cls.__distbench_namespace__
    return namespace
