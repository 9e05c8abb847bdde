"""Which annotations can be sent, and where their names are looked up."""

from __future__ import annotations

import enum
import subprocess
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypedDict

import pytest

import distbench
from distbench import Algorithm, DefinitionError, PeerId, Signed, handler, message
from distbench.annotations import show_type
from distbench.formats import Format
from distbench.shapes import compile_shape
from tests.messages.kinds import FORMATS, Ballot, Box, Colour, Even, Odd, Tally, Vote, round_trip, same


class Place(NamedTuple):
    x: int
    name: str = ""


class Options(TypedDict):
    depth: int
    names: list[str]


@dataclass
class Plain:
    x: int
    y: float = 0.5


@dataclass
class PlainWithMore:
    votes: list[Vote]


class NoMessage(Vote):
    more: int = 0


@pytest.mark.parametrize("format", FORMATS)
def test_plain_classes_of_plain_fields_travel(format: Format) -> None:
    for annotation, value in (
        (Place, Place(1, "a")),
        (list[Place], [Place(1)]),
        (Options, {"depth": 1, "names": ["a"]}),
        (Plain, Plain(1)),
        (Plain | None, None),
        (dict[str, Plain], {"a": Plain(1, 2.0)}),
    ):
        assert same(round_trip(annotation, value, format), value)


@pytest.mark.parametrize("format", FORMATS)
def test_the_limits_hold_in_plain_classes_too(format: Format) -> None:
    for value in (Plain(2**63), Plain(1, float("nan")), Plain(1, float("inf"))):
        with pytest.raises((ValueError, OverflowError)):
            round_trip(Plain, value, format)


@pytest.mark.parametrize("format", FORMATS)
def test_abstract_and_bare_containers_travel(format: Format) -> None:
    for annotation, value in (
        (Sequence[int], [1]),
        (Mapping[str, Vote], {"a": Vote(True)}),
        (list, [1, "a", [None]]),
        (dict, {"a": Vote(True)}),
        (tuple, (1, "a")),
        (typing.List, [1]),  # noqa: UP006
        (typing.Dict[str, int], {"a": 1}),  # noqa: UP006
        (tuple[()], ()),
        (Annotated[int, "a note"], 3),
        (Annotated[list[Vote], "a note"], [Vote(True)]),
        (object, [Vote(True)]),
        (dict[Colour, int], {Colour.RED: 1}),
    ):
        assert same(round_trip(annotation, value, format), value), annotation


def test_dicts_keep_their_order() -> None:
    for format in FORMATS:
        value = {"b": 1, "a": 2, "c": 3}
        assert list(round_trip(dict[str, int], value, format)) == ["b", "a", "c"]
        assert list(round_trip(Any, value, format)) == ["b", "a", "c"]


def test_what_cannot_be_sent_is_a_definition_error_that_says_where_and_what() -> None:
    wrong: list[tuple[Any, str]] = [
        (complex, "complex cannot be sent"),
        (Callable[[], int], "cannot be sent"),
        (Algorithm, "Algorithm cannot be sent; use a @message class or a plain type"),
        (NoMessage, "write @message above 'class NoMessage'"),
        (list[PlainWithMore], "PlainWithMore.votes is a list.Vote., .*write @message above 'class PlainWithMore'"),
        (dict[tuple[int, int], str], "a dict's keys are str, int or PeerId, not tuple"),
        (dict[float, str], "keys are str, int or PeerId, not float"),
        (dict[bool, str], "keys are str, int or PeerId, not bool"),
        (list[int] | set[int], "more than one array"),
        (Vote | list[int] | set[int], "more than one array"),
        (dict[str, int] | dict[int, int] | Vote, "more than one"),
        (str | bytes, "more than one str-like"),
        (Box[int] | Box[str] | list[int], "one message class twice"),
        (Signed[complex], "complex cannot be sent"),
        (Iterable, "cannot be sent"),
    ]
    for annotation, text in wrong:
        with pytest.raises(DefinitionError, match=f"here: .*{text}"):
            compile_shape(annotation, "here")


Iterable = typing.Iterable


def test_a_message_that_cannot_be_sent_names_its_field_every_time() -> None:
    @message
    class Outer:
        inner: Inner

    @message
    class Inner:
        bad: complex
        outer: Outer | None = None

    for annotation in (Outer, Inner, Outer, list[Inner]):
        with pytest.raises(DefinitionError, match=r"Inner.bad \(test_annotations.py:\d+\): complex cannot be sent"):
            compile_shape(annotation, "here")


def test_an_unknown_name_is_a_definition_error() -> None:
    @message
    class Outer:
        inner: Missing  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(
        DefinitionError,
        match=r"Outer.inner \(test_annotations.py:\d+\): the annotation names 'Missing', which is not defined",
    ):
        compile_shape(Outer, "here")


@pytest.mark.parametrize("name", ["signer", "signature", "unwrap"])
def test_a_field_that_would_hide_a_name_of_signed_is_a_definition_error(name: str) -> None:
    hiding: Any = message(type("Hiding", (), {"__annotations__": {name: int}, "__module__": __name__}))
    boxed: Any = message(type("Holder", (), {"__annotations__": {"proof": Signed[hiding]}, "__module__": __name__}))
    for annotation in (Signed[hiding], Signed[hiding | Vote], list[Signed[hiding]], boxed):
        with pytest.raises(DefinitionError, match=rf"Hiding.{name} hides Signed's own '{name}'; rename the field"):
            compile_shape(annotation, "here")
    assert compile_shape(hiding, "here").decoded is hiding


# ---------------------------------------------------------------- where names are looked up


def test_classes_of_a_function_are_found_also_when_they_come_later() -> None:
    class Mood(enum.Enum):
        GOOD = 1

    @message
    class First:
        mood: Mood
        second: Second | None = None
        own: list[First] = field(default_factory=list)

    @message
    class Second:
        first: First
        more: list[Second] = field(default_factory=list)

    value = First(Mood.GOOD, Second(First(Mood.GOOD)), [First(Mood.GOOD)])
    for format in FORMATS:
        assert round_trip(First, value, format) == value
        assert round_trip(list[Second], [Second(value)], format) == [Second(value)]


def test_a_handler_finds_classes_of_the_function_around_it() -> None:
    @message
    class Local:
        later: Later | None = None

    @distbench.distbench
    class Sends(Algorithm):
        got: Local | None = None

        async def on_start(self) -> None:
            for peer in self.peers.values():
                await peer.take(Local(Later(3)))

        @handler
        async def take(self, src: PeerId, msg: Local) -> None:
            self.got = msg

    @message
    class Later:
        x: int

    result = distbench.run(Sends, {"n1": {}, "n2": {}})
    assert [node.got for node in result.algorithms.values() if isinstance(node, Sends)] == [Local(Later(3))] * 2


def test_a_module_without_future_annotations_works() -> None:
    names: dict[str, Any] = {"__name__": "tests.messages.without_future"}
    source = (
        "from distbench import message, Signed\n"
        "from typing import Optional\n"
        "@message\nclass Node:\n    x: int\n    next: Optional['Node'] = None\n    proof: 'Signed[int] | None' = None\n"
    )
    sys.modules[names["__name__"]] = module = type(sys)(names["__name__"])
    try:
        exec(compile(source, "without_future.py", "exec", dont_inherit=True), vars(module))
        node = module.Node
        for format in FORMATS:
            assert round_trip(node, node(1, node(2)), format) == node(1, node(2))
    finally:
        del sys.modules[names["__name__"]]


# ---------------------------------------------------------------- what a shape knows


@pytest.mark.parametrize("format", FORMATS)
def test_a_class_that_only_any_has_met_is_written_by_its_fields(format: Format) -> None:
    @message
    class Fresh:
        payload: Any
        raw: bytes = b"x"

    for value in (Fresh(["~signed", 1]), Fresh(["a.b", 1]), [Fresh(["~list"])]):
        assert round_trip(Any, value, format) == value

    @message
    class Strict:
        payload: Any

    with pytest.raises(ValueError, match="inside `Any`"):
        round_trip(Any, Strict({1: 2}), format)


def test_a_cycle_of_classes_does_not_hide_what_stands_inside() -> None:
    for annotation in (Even, Odd, list[Even], Box[Odd], Even | None):
        shape = compile_shape(annotation, "here")
        assert shape.signed, annotation
        assert shape.walked, annotation
    assert not compile_shape(Vote, "here").walked
    assert not compile_shape(Vote, "here").signed


def test_sets_are_written_alike_under_every_hash_seed() -> None:
    """A planted set of strings iterates differently under the two seeds."""
    program = (
        "from tests.messages.kinds import *\n"
        "words = {str(n) * 3 for n in range(40)}\n"
        "value = Tally(seen=words), Odd(words), {Point(n, 1) for n in range(20)}, Envelope(words)\n"
        "kinds = Tally, Odd, set[Point], Envelope\n"
        "for format in FORMATS:\n"
        "    encoder = CODECS[format].encoder\n"
        "    print([encoder(compile_shape(k, ''))(v) for k, v in zip(kinds, value)], flush=True)\n"
        "print(list(words))\n"
    )
    one, other = (
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            cwd=".",
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for seed in ("1", "2")
    )
    assert len(one) == len(FORMATS) + 1
    assert one[:-1] == other[:-1]
    assert one[-1] != other[-1]


def test_types_are_shown_as_a_person_writes_them() -> None:
    for annotation, text in (
        (dict[PeerId, list[Vote]], "dict[PeerId, list[Vote]]"),
        (Signed[Vote] | None, "Signed[Vote] | None"),
        (typing.Optional[int], "int | None"),  # noqa: UP045
        (tuple[int, ...], "tuple[int, ...]"),
        (Any, "Any"),
        (Box[Ballot], "Box[Ballot]"),
        (typing.Literal["a", 1], "Literal['a', 1]"),
        (Tally, "Tally"),
        (None, "None"),
    ):
        assert show_type(annotation) == text
