"""Numbers of YAML 1.2, and of everybody, that the older YAML of the parser takes for texts: ``1e-3``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from distbench.annotations import ARRAYS, MAPS, class_of, element_of, fields_of, members
from distbench.messages import is_message
from distbench.namespace import NOWHERE
from distbench.records import is_record, record_of

_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+|[-+]\.[0-9]+")
_NOT_FINITE: Final = {"inf": ".inf", "infinity": ".inf", "nan": ".nan"}


def with_numbers(value: object, annotation: Any) -> object:
    """``value`` with such texts as the numbers that they are, where the annotation takes a float and not the text."""
    parts = members(annotation)
    if isinstance(value, str):
        return _number(value) if float in parts and not _fits(value, annotation) else value
    if isinstance(value, (list, tuple)):
        member = next((part for part in parts if class_of(part) in ARRAYS), None)
        return [with_numbers(item, element_of(member, index)) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        inner, keys = _values_of(parts)
        return {with_numbers(k, keys): with_numbers(v, inner.get(k, inner.get(None))) for k, v in value.items()}
    return value


def hint_at_number(text: str, annotation: Any) -> str:
    """How to write what stands in a text where a number is wanted; nothing where it is none."""
    parts = members(annotation)
    plain = text.strip().replace("_", "")
    if not {int, float} & {*parts} or not plain.isascii():
        return ""
    if plain.lstrip("+-").lower() in _NOT_FINITE and float in parts:
        sign = "-" if plain.startswith("-") else ""
        return f"; YAML writes {sign}{_NOT_FINITE[plain.lstrip('+-').lower()]}"
    try:
        number = float(plain)
    except ValueError:
        comma = re.fullmatch(r"[-+]?[0-9]+,[0-9]+", plain) is not None and float in parts
        return f"; write a point, {plain.replace(',', '.')}" if comma else ""
    if math.isinf(number):
        return "; it is too large for a float"
    if float in parts:
        return f"; write {text.strip()} without quotes"
    return f"; write {int(number)}" if number == int(number) and abs(number) < 2**53 else ""


def _number(text: str) -> object:
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return text if math.isinf(number) else number


def _fits(text: str, annotation: Any) -> bool:
    try:
        msgspec.convert(text, annotation, dec_hook=lambda kind, value: value)
    except (msgspec.ValidationError, TypeError):
        return False
    return True


def _values_of(parts: tuple[Any, ...]) -> tuple[dict[Any, Any], Any]:
    """The annotations of a mapping's values, by key where each has its own (None for all others), and of its keys."""
    for part in parts:
        cls = class_of(part)
        if cls in MAPS:
            return {None: element_of(part, 0)}, (getattr(part, "__args__", None) or (None,))[0]
        if is_record(cls):
            return dict(record_of(part, NOWHERE, lambda name: name).fields), None
        if is_message(cls):
            return fields_of(part), None
    return {}, None
