"""Misfits in a value that shall be sent."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import typing
import uuid
from typing import Any, Final, get_args

from distbench.annotations import ARRAYS, MAPS, SETS, class_of, members, show_type
from distbench.messages import is_message
from distbench.misfits import Finder, Misfit, kind_name, of_dict, short, unfit_plain
from distbench.records import is_record
from distbench.signing import Signed

_PLAIN: Final = (bool, int, float, str, bytes, bytearray, memoryview, type(None), enum.Enum, uuid.UUID, decimal.Decimal)
_TIMES: Final = (datetime.date, datetime.time, datetime.timedelta)
_CONTAINERS: Final = (list, tuple, dict, set, frozenset)
_SUBSTITUTES: Final[dict[Any, tuple[type, ...]]] = {
    float: (float, int), bytes: (bytes, bytearray, memoryview), bytearray: (bytes, bytearray, memoryview),
    decimal.Decimal: (decimal.Decimal, int),
}  # fmt: skip
"""What else than the class itself comes out equal."""


class ValueFinder(Finder):
    """In what shall be sent."""

    def __init__(self, deep: bool = False) -> None:
        """``deep``: also in signed messages, which were looked at when they were signed."""
        super().__init__()
        self._deep = deep

    def fits(self, thing: Any, member: Any) -> bool:
        cls = class_of(member)
        if cls is Signed:
            inner = members((get_args(member) or (Any,))[0])
            value = thing.unwrap() if isinstance(thing, Signed) else None
            return isinstance(thing, Signed) and (Any in inner or any(self.fits(value, each) for each in inner))
        if is_message(cls):
            return type(thing) is cls
        if cls is typing.Literal:
            return any(type(each) is type(thing) and each == thing for each in get_args(member))
        if is_record(cls):
            return self.record(member).fits(thing)
        if cls in MAPS:
            return isinstance(thing, dict)
        if cls in ARRAYS:
            return isinstance(thing, (list, tuple, set, frozenset))
        if cls is float and isinstance(thing, float):
            return thing - thing == 0.0
        if cls in (int, float) and isinstance(thing, int):
            return not isinstance(thing, bool) and -(2**63) <= thing < 2**63
        if cls is datetime.date and isinstance(thing, datetime.datetime):
            return False
        if cls is decimal.Decimal and isinstance(thing, bool):
            return False
        return isinstance(cls, type) and isinstance(thing, _SUBSTITUTES.get(cls, cls))

    def inside(self, thing: Any, member: Any, path: str) -> Misfit | None:
        cls = class_of(member)
        if cls is Signed:
            inner, value = (get_args(member) or (Any,))[0], thing.unwrap()
            return self.find(value, inner, path) if self._deep or not is_message(type(value)) else None
        if is_message(cls):
            hints = self.fields(member)
            return self.all_fit((getattr(thing, name), hint, f"{path}.{name}") for name, hint in hints.items())
        if is_record(cls):
            record = self.record(member)
            if record.by_place and len(thing) != len(record.fields):
                return Misfit(
                    path, f"expected {show_type(member)}, found {type(thing).__name__} of length {len(thing)}"
                )
            return self.of_record(thing, record, path)
        if cls in MAPS:
            key, value = of_dict(member)
            return self.all_fit(
                part
                for k, v in thing.items()
                for part in ((k, key, f"a key of {path.removeprefix('.') or 'the dict'}"), (v, value, f"{path}[{k!r}]"))
            )
        if cls in SETS and isinstance(thing, (list, tuple)) and any(item in thing[:i] for i, item in enumerate(thing)):
            return Misfit(path, f"expected {show_type(member)}, found a {type(thing).__name__} with equal elements")
        if cls in ARRAYS:
            return self.array(thing, member, path)
        if isinstance(thing, datetime.datetime) and (thing.utcoffset() or datetime.timedelta()).total_seconds() % 60:
            return Misfit(
                path, f"expected datetime, found one whose offset {thing.utcoffset()} is not in whole minutes"
            )
        return None

    def anything(self, thing: Any, path: str) -> Misfit | None:
        kind = type(thing)
        if isinstance(thing, Signed):
            return self.inside(thing, Signed, path)
        if is_message(kind):
            return self.inside(thing, kind, path)
        if isinstance(thing, (list, tuple, set, frozenset)) and not is_record(kind):
            return self.all_fit((item, Any, f"{path}[{i}]") for i, item in enumerate(thing))
        if isinstance(thing, dict):
            for key in thing:
                if not isinstance(key, str):
                    return Misfit(path, f"expected str as key inside `Any`, found {kind_name(key)}")
            return self.all_fit((item, Any, f"{path}[{key!r}]") for key, item in thing.items())
        return unfit_plain(thing, path, self.name(thing, (Any,)))

    def problem(self, thing: Any, annotation: Any, parts: tuple[Any, ...]) -> str:
        if isinstance(thing, type):
            return f"the class {thing.__qualname__} cannot be sent, only an instance of it"
        known = isinstance(thing, (*_PLAIN, *_TIMES, *_CONTAINERS, Signed)) or is_message(type(thing))
        if not known and not dataclasses.is_dataclass(thing):
            return f"a {type(thing).__qualname__} cannot be sent; use a @message class or a plain type"
        return super().problem(thing, annotation, parts)

    def name(self, thing: Any, parts: tuple[Any, ...]) -> str:
        kind = type(thing)
        if isinstance(thing, Signed):
            return f"Signed[{kind_name(thing.unwrap())}]"
        if dataclasses.is_dataclass(kind) and not is_message(kind) and any(is_message(class_of(p)) for p in parts):
            return f"{kind.__name__}, which has no @message"
        if isinstance(thing, (str, int)) and any(class_of(part) is typing.Literal for part in parts):
            return f"{kind.__name__} {short(thing)}"
        return kind_name(thing)
