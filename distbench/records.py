"""Plain classes with fields: a user's dataclasses, NamedTuples and TypedDicts."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from distbench.annotations import bound_of, resolve, substitute
from distbench.errors import DefinitionError
from distbench.messages import is_message
from distbench.namespace import Namespace


def is_record(cls: Any) -> bool:
    """Whether ``cls`` is such a class, and no message."""
    if not isinstance(cls, type) or is_message(cls):
        return False
    named_tuple = issubclass(cls, tuple) and hasattr(cls, "_fields")
    return dataclasses.is_dataclass(cls) or named_tuple or typing.is_typeddict(cls)


@dataclass(frozen=True, slots=True)
class Record:
    """Such a class, as it stands in an annotation."""

    cls: Any
    fields: Mapping[str, Any]
    """The annotation of each."""
    needed: frozenset[str]
    """Those without a default."""

    @property
    def by_place(self) -> bool:
        """Written as a list of its fields; any other as a dict by their names."""
        return issubclass(self.cls, tuple)

    def fits(self, value: object) -> bool:
        """Whether ``value`` is one, to judge by its class alone: a subclass may hold more than is written."""
        if typing.is_typeddict(self.cls):
            return isinstance(value, dict)
        return type(value) is self.cls or (self.by_place and type(value) in (tuple, list))

    def items(self, value: Any) -> dict[str, Any]:
        """What stands in the fields of a value of this class."""
        if self.by_place:
            return dict(zip(self.fields, value, strict=False))
        if isinstance(value, dict):
            return value
        return {name: getattr(value, name) for name in self.fields if hasattr(value, name)}

    def build(self, found: dict[str, Any]) -> Any:
        """One with these in its fields, and the defaults in the others."""
        if typing.is_typeddict(self.cls):
            return found
        if self.by_place:
            return self.cls(**found)
        made = object.__new__(self.cls)
        for field in dataclasses.fields(self.cls):
            if field.name in found:
                value = found[field.name]
            else:
                value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
            object.__setattr__(made, field.name, value)
        if hasattr(made, "__post_init__"):
            made.__post_init__()
        return made


def record_of(annotation: Any, near: Namespace, where: Callable[[str], str]) -> Record:
    """The record that stands in an annotation; ``near`` are names where it is used, ``where`` names a field."""
    cls = get_origin(annotation) or annotation
    record: Record | None = vars(cls).get("__distbench_record__")
    if record is None:
        record = cls.__distbench_record__ = _read(cls, near, where)
    parameters = getattr(cls, "__parameters__", ())
    if not parameters:
        return record
    given = dict(zip(parameters, get_args(annotation) or map(bound_of, parameters), strict=False))
    fields = {name: substitute(hint, given) for name, hint in record.fields.items()}
    return dataclasses.replace(record, fields=fields)


def _read(cls: Any, near: Namespace, where: Callable[[str], str]) -> Record:
    names = {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else None
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        written = inspect.get_annotations(base)
        wanted = {name: hint for name, hint in written.items() if names is None or name in names}
        hints |= resolve(base, near, where, wanted)
    if dataclasses.is_dataclass(cls):
        _check_dataclass(cls, where)
        hints = {field.name: hints.get(field.name, Any) for field in dataclasses.fields(cls)}
        needed = {field.name for field in dataclasses.fields(cls) if _has_no_default(field)}
    elif typing.is_typeddict(cls):
        needed = {name for name, hint in hints.items() if _is_needed(cls, name, hint)}
        hints = {name: _without_marks(hint) for name, hint in hints.items()}
    else:
        hints = {name: hints.get(name, Any) for name in cls._fields}
        needed = set(cls._fields) - set(cls._field_defaults)
    return Record(cls, hints, frozenset(needed))


def _check_dataclass(cls: Any, where: Callable[[str], str]) -> None:
    for name, field in cls.__dataclass_fields__.items():
        if field._field_type is dataclasses._FIELD_INITVAR:  # type: ignore[attr-defined]
            raise DefinitionError(f"{where(name)}: {name!r} is an InitVar, which cannot be sent; make it a field")


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _is_needed(cls: Any, name: str, hint: Any) -> bool:
    mark = get_origin(hint)
    if mark is Annotated:
        mark = get_origin(get_args(hint)[0])
    if mark in (typing.Required, typing.NotRequired):
        return mark is typing.Required
    return name in cls.__required_keys__


def _without_marks(hint: Any) -> Any:
    while get_origin(hint) in (typing.Required, typing.NotRequired):
        hint = get_args(hint)[0]
    return hint
