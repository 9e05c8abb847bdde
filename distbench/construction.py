"""What is wrong with the arguments that a message was to be made of, in a person's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import FunctionType
from typing import Any, Final

from distbench.errors import nearest

_UNKNOWN: Final = re.compile(r"Unexpected keyword argument '(?P<name>.*)'")
_MISSING: Final = re.compile(r"Missing required argument '(?P<name>.*)'")
_TWICE: Final = re.compile(r"Argument '(?P<name>.*)' given by name and position")
_TOO_MANY: Final = "Extra positional arguments provided"


def explain_construction(cls: Any, text: str) -> str | None:
    """The words for a ``TypeError`` that msgspec raised with ``text``; None where it is another's."""
    fields = _fields(cls)
    if found := _UNKNOWN.fullmatch(text):
        return _unknown(cls, found["name"])
    if found := _MISSING.fullmatch(text):
        return f"{cls.__qualname__} needs {found['name']!r}, which is not given; {fields}"
    if found := _TWICE.fullmatch(text):
        return f"{cls.__qualname__} gets {found['name']!r} twice, by its place and by its name; {fields}"
    if text == _TOO_MANY:
        return f"{cls.__qualname__} gets more values than it has fields to be given by place; {fields}"
    return None


def suits(cls: Any, text: str) -> bool:
    """Whether msgspec could have said that of this class."""
    names = cls.__struct_fields__
    if found := _UNKNOWN.fullmatch(text):
        return found["name"] not in names
    found = _MISSING.fullmatch(text) or _TWICE.fullmatch(text)
    return text == _TOO_MANY or (found is not None and found["name"] in names)


def _unknown(cls: Any, name: str) -> str:
    for owner, value in _constants(cls, name):
        kind = "" if value is None else type(value).__name__
        return (
            f"{cls.__qualname__}.{name} is a constant, since it has no annotation; to make it a field, "
            f"write '{name}: {kind or '...'} = {value!r:.60}' in class {owner.__qualname__}"
        )
    return f"{cls.__qualname__} has no field {name!r}; {_fields(cls)}{nearest(name, cls.__struct_fields__)}"


def _constants(cls: type, name: str) -> Iterator[tuple[type, Any]]:
    """The class attribute of that name that looks like a field whose annotation was forgotten."""
    for owner in cls.__mro__:
        if name in vars(owner):
            value = vars(owner)[name]
            if not isinstance(value, FunctionType) and not hasattr(type(value), "__get__"):
                yield owner, value
            return


def _fields(cls: Any) -> str:
    names = cls.__struct_fields__
    return f"its fields are {', '.join(names)}" if names else "it has no fields"
