"""The first place where something does not fit its annotation: its path, what is expected there, and what is found."""

from __future__ import annotations

import abc
import enum
import itertools
import typing
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import msgspec

from distbench.annotations import class_of, element_of, fields_of, members, show_type
from distbench.namespace import NOWHERE
from distbench.records import Record, record_of
from distbench.shapes import prepare

Part = tuple[Any, Any, str]
"""What stands inside: itself, its annotation, its path."""


class Misfit(ValueError):
    """What is wrong, and where."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path.removeprefix(".")
        super().__init__(f"{self.path}: {problem}" if path else problem)


class Finder(abc.ABC):
    """Walks a value and its annotation together."""

    def __init__(self) -> None:
        self._members: dict[Any, tuple[Any, ...]] = {}
        self._fields: dict[Any, dict[str, Any]] = {}
        self._records: dict[Any, Record] = {}

    def find(self, thing: Any, annotation: Any, path: str = "") -> Misfit | None:
        """The first misfit in ``thing``, or None if it fits."""
        parts = self._members.get(annotation)
        if parts is None:
            parts = self._members[annotation] = members(annotation)
        first = None
        for member in parts:
            if member in (Any, object) or isinstance(member, typing.TypeVar):
                return self.anything(thing, path)
            if self.fits(thing, member):
                found = self.inside(thing, member, path)
                if found is None:
                    return self.noted(thing, annotation, path)
                first = first or found
        return first or Misfit(path, self.problem(thing, annotation, parts))

    def all_fit(self, parts: Iterator[Part]) -> Misfit | None:
        """The first misfit in what stands inside something."""
        return next(filter(None, itertools.starmap(self.find, parts)), None)

    def noted(self, thing: Any, annotation: Any, path: str) -> Misfit | None:
        """What the user's own ``msgspec.Meta`` says beside the type."""
        notes = [note for note in getattr(annotation, "__metadata__", ()) if isinstance(note, msgspec.Meta)]
        if not notes or get_origin(annotation) is not Annotated:
            return None
        inner = class_of(members(annotation)[0])
        try:
            msgspec.convert(thing, Annotated[(inner, *notes)])
        except (msgspec.ValidationError, TypeError) as error:
            return Misfit(path, f"expected {str(error).replace('`', '').removeprefix('Expected ')}")
        return None

    def fields(self, member: Any) -> dict[str, Any]:
        """The annotations of a message's fields, in their order."""
        found = self._fields.get(member)
        if found is None:
            cls = class_of(member)
            prepare(cls)  # inside Any stands what no annotation named yet
            hints = fields_of(member)
            found = self._fields[member] = {name: hints.get(name, Any) for name in cls.__struct_fields__}
        return found

    def record(self, member: Any) -> Record:
        found = self._records.get(member)
        if found is None:
            found = self._records[member] = record_of(member, NOWHERE, lambda name: name)
        return found

    def problem(self, thing: Any, annotation: Any, parts: tuple[Any, ...]) -> str:
        """What is wrong with something of which no member of its annotation is the kind."""
        if type(thing) is int and beyond(thing) and (int in parts or float in parts):
            return f"expected an int of 64 bits, found {short(thing)}, which is {beyond(thing)}"
        if isinstance(thing, float) and thing - thing != 0.0 and float in parts:
            return f"expected a finite float, found {thing}"
        return f"expected {show_type(annotation)}, found {self.name(thing, parts)}"

    @abc.abstractmethod
    def fits(self, thing: Any, member: Any) -> bool:
        """Whether ``thing`` is of the kind of ``member``, whatever stands inside."""

    @abc.abstractmethod
    def inside(self, thing: Any, member: Any, path: str) -> Misfit | None:
        """The first misfit in something of the right kind."""

    @abc.abstractmethod
    def anything(self, thing: Any, path: str) -> Misfit | None:
        """The first misfit in what stands inside ``Any``."""

    @abc.abstractmethod
    def name(self, thing: Any, parts: tuple[Any, ...]) -> str:
        """What ``thing`` is."""

    def array(self, items: Any, member: Any, path: str) -> Misfit | None:
        """The first misfit in a list, tuple or set."""
        arguments = get_args(member)
        if get_origin(member) is tuple and Ellipsis not in arguments and len(items) != len(arguments):
            return Misfit(path, f"expected {show_type(member)}, of length {len(arguments)}, found length {len(items)}")
        return self.all_fit((item, element_of(member, i), f"{path}[{i}]") for i, item in enumerate(items))

    def of_record(self, thing: Any, record: Record, path: str) -> Misfit | None:
        """The first misfit in the fields of a record."""
        found = unfit_fields(thing, record, path)
        if found is not None:
            return found
        return self.all_fit((item, record.fields[n], f"{path}.{n}") for n, item in record.items(thing).items())


def of_dict(member: Any) -> tuple[Any, Any]:
    """The annotations of keys and values; of keys that which is written."""
    key, value = get_args(member) or (str, Any)
    return (key.__supertype__ if isinstance(key, typing.NewType) else key), value


def unfit_fields(thing: Any, record: Record, path: str) -> Misfit | None:
    """What is wrong with the fields as such: one too many, or one that is missing."""
    name = record.cls.__name__
    if record.by_place and len(thing) > len(record.fields):
        return Misfit(path, f"expected {name}, of length {len(record.fields)}, found length {len(thing)}")
    items = record.items(thing)
    for field in items:
        if field not in record.fields:
            known = ", ".join(record.fields) or "none"
            return Misfit(path, f"{field!r} is no field of {name}, which has {known}")
    for field in record.fields:
        if field in record.needed and field not in items:
            return Misfit(path, f"expected {name}, in which {field!r} is missing")
    return None


def unfit_plain(thing: Any, path: str, name: str) -> Misfit | None:
    """What may stand for itself inside ``Any``: json and msgpack must both give it back as it was."""
    if thing is not None and (not isinstance(thing, (bool, int, float, str)) or isinstance(thing, enum.Enum)):
        return Misfit(path, f"expected plain data or a message inside `Any`, found {name}")
    if isinstance(thing, int) and beyond(thing):
        return Misfit(path, f"expected int of 64 bits inside `Any`, found {short(thing)}, which is {beyond(thing)}")
    if isinstance(thing, float) and thing - thing != 0.0:
        return Misfit(path, f"expected a finite float inside `Any`, found {thing}")
    return None


def beyond(number: int) -> str:
    """Which limit of 64 bits a number exceeds, if any."""
    if number >= 2**63:
        return f"above {2**63 - 1}"
    return f"below {-(2**63)}" if number < -(2**63) else ""


def kind_name(value: object) -> str:
    """The name of a value's class."""
    return "None" if value is None else type(value).__name__


def short(value: object) -> str:
    """The repr of a value, cut to what a message can show."""
    try:
        text = repr(value)
    except ValueError:  # an int of very many digits
        return "a very large number"
    return text if len(text) <= 200 else f"{text[:200]}…"
