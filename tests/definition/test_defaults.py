"""A default fits the annotation of its config field, or is a mistake in the definition."""

from __future__ import annotations

import collections
import enum
import math
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypedDict

import pytest
from hypothesis import given, settings

import distbench
from distbench import Algorithm, DefinitionError, config_field, message
from distbench.decorators import FieldMark
from distbench.defaults import unfit_default
from distbench.definition import define
from tests.messages.kinds import KINDS


class Mood(enum.Enum):
    GOOD = "good"


class Options(TypedDict):
    depth: int


@dataclass
class Base:
    x: int


@dataclass
class More(Base):
    y: int = 0


@message
class Note:
    text: str


class Speaks(Protocol):
    def speak(self) -> str: ...


FITS: list[tuple[Any, Any]] = [
    (int, 3), (int, True), (int, 2**70), (float, 3), (float, math.inf), (float, math.nan), (str, ""), (int, None),
    (list[int], [1]), (list[int], ()), (tuple[int, ...], [1]), (set[str], {"a"}), (dict[str, Any], {"a": object()}),
    (dict[str, list[int]], collections.defaultdict(list)), (Sequence[int], range(3)), (Mapping[str, int], {}),
    (Mood, Mood.GOOD), (Literal["a", 1], "a"), (Options, {"depth": 1}), (Base, More(1)), (Note, Note("a")),
    (pathlib.PurePath, pathlib.PurePosixPath("a")), (Callable[[], int], len), (type[Base], More), (Speaks, object()),
    (Any, object()), (object, 1), (int | None, None), (int | str, "a"),
    (collections.deque[int], collections.deque()),
    (bytes, b""), (complex, 1j),
]  # fmt: skip

WRONG: list[tuple[Any, Any, str]] = [
    (int, "x", "expected int, found str"),
    (int, 1.5, "expected int, found float"),
    (float, "1e-3", "expected float, found str"),
    (bool, 1, "expected bool, found int"),
    (str, 3, "expected str, found int"),
    (list[int], [1, "x"], "[1]: expected int, found str"),
    (list[int], 3, "expected list[int], found int"),
    (dict[str, list[int]], {"a": ["x"]}, "['a'][0]: expected int, found str"),
    (dict[str, int], {1: 1}, "a key of the dict: expected str, found int"),
    (tuple[int, str], (1,), "of length 2"),
    (Mood, "good", "expected Mood, found str"),
    (Literal["a", "b"], "c", "expected Literal['a', 'b'], found str 'c'"),
    (Options, {"depth": "x"}, "depth: expected int, found str"),
    (Options, {"deep": 1}, "'deep' is no field of Options"),
    (Base, {"x": 1}, "expected Base, found dict"),
    (int | None, "x", "expected int | None, found str"),
]


def made(annotation: Any, **mark: Any) -> Any:
    class Node(Algorithm):
        n = config_field(**mark)

    Node.__annotations__ = {"n": annotation}
    return distbench.distbench(Node)


@pytest.mark.parametrize("case", range(len(FITS)))
def test_a_default_that_fits_is_taken(case: int) -> None:
    annotation, default = FITS[case]
    assert define(made(annotation, default=default)).config_fields["n"].default is default


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_a_default_that_does_not_is_a_definition_error_with_its_line(case: int) -> None:
    annotation, default, text = WRONG[case]
    place = r"Node\.n \(test_defaults\.py:\d+\): the default does not fit "
    with pytest.raises(DefinitionError, match=f"{place}.*: .*{re.escape(text)}"):
        define(made(annotation, default=default))


def test_what_a_builtin_type_makes_is_looked_at_and_no_other_factory_called() -> None:
    with pytest.raises(DefinitionError, match="expected int, found list"):
        define(made(int, default_factory=list))
    define(made(list[int], default_factory=list))
    define(made(dict[str, int], default_factory=dict))
    calls: list[int] = []
    define(made(int, default_factory=lambda: calls.append(1)))
    assert calls == []


def test_a_required_field_has_none() -> None:
    define(made(int, required=True))
    define(made(int))


@settings(deadline=None)
@given(KINDS["json"].values)
def test_whatever_can_be_sent_fits_as_a_default_too(typed: tuple[Any, Any]) -> None:
    annotation, value = typed
    assert unfit_default(FieldMark(False, value, None), annotation) is None
