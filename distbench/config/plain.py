"""Plain values, as YAML gives them: copied, named and shown in messages."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Final

from distbench.config.model import Place
from distbench.errors import ConfigError

MAX_DEPTH: Final = 100
"""How deep values may be nested; beyond it something contains itself or is meant to do harm."""


def copy_plain(value: object, place: Place, depth: int = 0) -> object:
    """``value`` with lists, mappings and sets copied, as YAML would give them; anything else as it is."""
    if depth > MAX_DEPTH:
        raise ConfigError(f"{place}: values are nested more than {MAX_DEPTH} deep; does one contain itself?")
    if isinstance(value, Mapping):
        return {key: copy_plain(item, place, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copy_plain(item, place, depth + 1) for item in value]
    return set(value) if isinstance(value, set) else value


def kind(value: object) -> str:
    """What a value is, in the words of a YAML file."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "a mapping"
        case _:
            return f"a {type(value).__name__}"


class _Short(reprlib.Repr):
    """``repr`` of plain values cut to a line; an object of another type is only named, its repr may be anything."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 60
        self.maxlevel = 2

    def repr1(self, x: object, level: int) -> str:
        if x is not None and not isinstance(x, bool | int | float | str | list | tuple | dict | set):
            return f"<{type(x).__name__}>"
        if isinstance(x, int) and abs(x) > 10**30:  # repr of a really long number raises ValueError
            return "<a very large number>"
        return super().repr1(x, level)


shown: Final = _Short().repr
"""A value as an error message shows it."""
