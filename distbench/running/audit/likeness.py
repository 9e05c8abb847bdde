"""What two values that should be one look like: an address, the real time, another time zone, the order of a set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from distbench.running.audit.ways import ZONE_OFFSETS

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{6,16}\b")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_UNITS: Final = (1, 1e3, 1e6, 1e9)
"""Of a second."""
_NEAR: Final = 3600.0
"""Seconds."""


def hints(one: Any, other: Any, begin: Mapping[str, Any], other_begin: Mapping[str, Any]) -> Iterator[str]:
    """In words, what each pair of values makes probable; the processes say what is theirs."""
    if _reordered(one, other):
        yield "the same elements in another order, as that of a set whose elements are hashed by their address"
        return
    left, right = str(one), str(other)
    if left == right:
        return
    if _ADDRESS.sub("", left) == _ADDRESS.sub("", right) and _ADDRESS.search(left):
        yield "the text holds the address of an object"
        return
    if _zone_apart(left, right):
        yield "the times are as far apart as the time zones of the two processes"
        return
    for mine, others in zip(_NUMBER.findall(left), _NUMBER.findall(right), strict=False):
        if mine != others:
            yield from _of_numbers(float(mine), float(others), begin, other_begin)
            return


def _of_numbers(one: float, other: float, begin: Mapping[str, Any], other_begin: Mapping[str, Any]) -> Iterator[str]:
    if (one, other) == (begin.get("pid"), other_begin.get("pid")):
        yield "these are the numbers of the two processes"
        return
    for clock, name in (("time", "the real time"), ("monotonic", "what a real clock shows")):
        for unit in _UNITS:
            if all(
                clock in its and abs(value / unit - its[clock]) < _NEAR
                for value, its in ((one, begin), (other, other_begin))
            ):
                yield f"these are close to {name}"
                return
    for unit in _UNITS:
        if abs(one - other) in [offset * unit for offset in ZONE_OFFSETS]:
            yield "the times are as far apart as the time zones of the two processes"
            return
    if min(one, other) > 2**30 and one % 8 == other % 8 == 0:
        yield "these look like the addresses of objects, as id() gives them"


def _zone_apart(left: str, right: str) -> bool:
    for one, other in zip(_STAMP.findall(left), _STAMP.findall(right), strict=False):
        if one != other:
            apart = datetime.fromisoformat(one) - datetime.fromisoformat(other)
            return abs(apart.total_seconds()) in ZONE_OFFSETS
    return False


def _reordered(one: Any, other: Any) -> bool:
    return isinstance(one, list) and isinstance(other, list) and sorted(map(repr, one)) == sorted(map(repr, other))
