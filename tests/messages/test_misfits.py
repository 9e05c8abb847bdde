"""A refusal names exactly the place that does not fit, its expected and its found type, at both ends."""

from __future__ import annotations

import datetime
import itertools
import re
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypedDict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, DefinitionError, MessageError, PeerId, RemoteError, Signed, handler, message
from distbench.annotations import show_type
from distbench.formats import Codec, Format
from distbench.node.route import REFUSALS
from distbench.refusals import explain
from distbench.shapes import compile_shape
from tests.messages.kinds import (
    BOX,
    CODECS,
    DICT,
    FORMATS,
    LIST,
    OPTIONAL,
    TUPLE,
    Ballot,
    Box,
    Colour,
    Tally,
    Tree,
    Vote,
    sign,
)
from tests.messages.sending import send

INTERNAL = re.compile(r"Annotated|Meta\(|AnyValue|OneOf|Foreign|Record|Misfit|\$|`|distbench|~signed|~list")


@message
class Letter:
    sender: str


@message
class Stamped:
    content: Any
    stamps: list[str]


class Spot(NamedTuple):
    x: int
    name: str


class Options(TypedDict):
    depth: int
    names: list[str]


@dataclass
class Plain:
    x: int
    y: list[str]


NUMBERS = itertools.count()
Case = tuple[Any, Any, str, Any]
"""An annotation, a value with one mistake, its path, and what is expected there."""

CASES: st.SearchStrategy[Case] = st.sampled_from(
    [int, str, bool, float, Vote, datetime.datetime, Colour, OPTIONAL[int]]
).map(lambda annotation: (annotation, [[]] if annotation is Vote else [], "", annotation))


def _around(case: Case) -> st.SearchStrategy[Case]:
    """The mistake inside something more."""
    annotation, value, path, expected = case
    good = st.sampled_from([0, 1, 2])
    optional = expected if path else OPTIONAL[expected]

    def in_list(index: int) -> Case:
        return LIST[OPTIONAL[annotation]], [None] * index + [value], f"[{index}]{path}", optional

    def in_dict(index: int) -> Case:
        before = {f"k{i}": None for i in range(index)}
        return DICT[str, OPTIONAL[annotation]], {**before, "here": value}, f"['here']{path}", optional

    return st.one_of(
        good.map(in_list),
        good.map(in_dict),
        st.just((TUPLE[int, annotation], (1, value), f"[1]{path}", expected)),
        st.just((BOX[annotation], Box(value), f".item{path}", expected)),
        st.just((OPTIONAL[BOX[annotation]], Box(value), f".item{path}", expected)),
        st.just((Any, [1, Stamped(holding(annotation)(value), ["a"])], f"[1].content.item{path}", expected)),
        st.just((Stamped, Stamped(holding(annotation)(value), ["a"]), f".content.item{path}", expected)),
    )


def holding(annotation: Any) -> Any:
    """A message class with one field of that annotation."""
    return message(type(f"Held{next(NUMBERS)}", (), {"__annotations__": {"item": annotation}, "__module__": __name__}))


MISTAKES = CASES.flatmap(lambda case: st.just(case) | _around(case)).flatmap(lambda case: st.just(case) | _around(case))


def refused_by_receiver(codec: Codec, annotation: Any, value: Any) -> str:
    """The words of a receiver for a value that nobody checked."""
    shape = compile_shape(annotation, "here")
    payload = codec._encode(codec._written(value, None))
    try:
        codec.decoder(shape)(payload)
    except REFUSALS as error:
        return codec.explain_received(payload, shape, error)
    raise AssertionError(f"{value!r} was taken for {annotation}")


def refused_by_sender(codec: Codec, annotation: Any, value: Any) -> str:
    """The words of a sender that checks what it sends."""
    shape = compile_shape(annotation, "here")
    try:
        codec.decoder(shape)(codec.encoder(shape)(value))
    except REFUSALS as error:
        return explain(error, value, annotation)
    raise AssertionError(f"{value!r} was sent as {annotation}")


@pytest.mark.parametrize("examples", [60, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("format", FORMATS)
def test_a_refusal_names_the_place_and_both_types(format: Format, examples: int) -> None:
    @settings(deadline=None, max_examples=examples)
    @given(MISTAKES)
    def named(case: Case) -> None:
        annotation, value, path, expected = case
        for refused in (refused_by_sender, refused_by_receiver):
            text = refused(CODECS[format], annotation, value)
            place = path.removeprefix(".")
            start = f"{place}: " if place else ""
            assert text.startswith(f"{start}expected {show_type(expected)}"), (refused, text, case)
            assert ", found list" in text, text
            assert not INTERNAL.search(text.partition(", in ")[0]), text

    named()


WRONG: list[tuple[Any, Any, str]] = [
    (Stamped, Stamped(Letter(3), ["a"]), "content.sender: expected str, found int"),  # type: ignore[arg-type]
    (Stamped, Stamped([Letter(3)], ["a"]), "content[0].sender: expected str, found int"),  # type: ignore[arg-type]
    (Stamped, Stamped({"a": Letter(3)}, []), "content['a'].sender: expected str, found int"),  # type: ignore[arg-type]
    (Stamped, Stamped(Letter("x"), ["a", 3]), "stamps[1]: expected str, found int"),  # type: ignore[list-item]
    (Stamped, Stamped(Stamped(Letter("x"), "a"), []), "content.stamps: expected list[str], found str"),  # type: ignore[arg-type]
    (Vote | list[int], ["x"], "[0]: expected int, found str"),
    (list[Vote | Ballot], [Vote(True), Letter("x")], "[1]: expected Vote | Ballot, found Letter"),
    (Tree, Tree("a", [Tree("b", [Tree(3)])]), "children[0].children[0].label: expected str"),  # type: ignore[arg-type]
    (Plain, Plain("x", []), "x: expected int, found str"),  # type: ignore[arg-type]
    (list[Plain], [Plain(1, ["a", 2])], "[0].y[1]: expected str, found int"),  # type: ignore[list-item]
    (Spot, Spot(1, 2), "name: expected str, found int"),  # type: ignore[arg-type]
    (Options, {"depth": "x", "names": []}, "depth: expected int, found str"),
    (Options, {"depth": 1, "names": [], "more": 1}, "'more' is no field of Options, which has depth, names"),
    (Options, {"depth": 1}, "expected Options, in which 'names' is missing"),
    (dict[str, list[int]], {"a": [1], "b": [2, "x"]}, "['b'][1]: expected int, found str"),
    (dict[str, int], [1], "expected dict[str, int], found list"),
    (tuple[int, str], (1,), "expected tuple[int, str], of length 2, found length 1"),
    (Annotated[int, msgspec.Meta(ge=3)], 1, "expected int >= 3"),
    (list[Annotated[int, msgspec.Meta(ge=3)]], [5, 1], "[1]: expected int >= 3"),
    (list[int], [2**63], "[0]: expected an int of 64 bits, found 9223372036854775808"),
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("case", range(len(WRONG)))
def test_both_ends_say_the_same(case: int, format: Format) -> None:
    annotation, value, text = WRONG[case]
    sender = refused_by_sender(CODECS[format], annotation, value)
    assert sender.startswith(text), sender
    assert not INTERNAL.search(sender.partition(", in ")[0])
    if "64 bits" not in text:  # an encoder does not write it
        assert refused_by_receiver(CODECS[format], annotation, value).startswith(text)


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_signed_is_looked_into(format: Format) -> None:
    inner = sign(Box(Letter("x")), format=format)
    for refused in (refused_by_sender, refused_by_receiver):
        for annotation, value, text in (
            (Signed[Box[int]], inner, "item: expected int, found Letter"),
            (list[Signed[Vote]], [inner], "[0]: expected Signed[Vote], found Signed[Box]"),
            (
                dict[str, Signed[Vote | Ballot]],
                {"a": inner},
                "['a']: expected Signed[Vote | Ballot], found Signed[Box]",
            ),
            (Tally, inner, "expected Tally, found Signed[Box]"),
        ):
            assert refused(CODECS[format], annotation, value).startswith(text)


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_that_nobody_meant_are_explained_without_internal_names(format: Format) -> None:
    @settings(deadline=None)
    @given(
        st.binary(max_size=12)
        | st.sampled_from([b"[]", b"{}", b'["x"', b"\x91\xa1x", b'["~signed",1,2,3]', b"[[[[1]]]]"]),
        st.sampled_from([Vote, Tally, Signed[Vote], Any, Plain, Options, Spot, Vote | list[int], dict[int, Vote]]),
    )
    def explained(payload: bytes, annotation: Any) -> None:
        shape = compile_shape(annotation, "here")
        try:
            CODECS[format].decoder(shape)(payload)
        except REFUSALS as error:
            text = CODECS[format].explain_received(payload, shape, error)
            assert not INTERNAL.search(text), text

    explained()


def test_the_receiver_of_a_real_run_names_the_place() -> None:
    """As ``send`` does, where the sender is not the one that refuses: a reply is checked by its sender."""
    sent = send(Any, lambda _: Stamped(Letter(3), ["a"]))  # type: ignore[arg-type]
    with pytest.raises(MessageError, match=r"^take takes Any: content.sender: expected str, found int, in Stamped"):
        raise sent.error or AssertionError


@pytest.mark.slow
def test_a_receiver_in_local_mode_names_the_whole_path() -> None:
    @distbench.distbench
    class Asks(Algorithm):
        heard: str = ""

        async def on_start(self) -> None:
            for peer in self.peers.values():
                try:
                    await peer.ask("anything")
                except RemoteError as error:
                    self.heard = str(error)

        @handler
        async def ask(self, src: PeerId, text: str) -> Box[Letter]:
            return Box(Letter(3))  # type: ignore[arg-type]

        async def report(self) -> dict[str, object]:
            return {"heard": self.heard}

    result = distbench.run(Asks, "complete:2", mode="local", timeout=20)
    for report in result.reports.values():
        assert "a reply that does not fit: item.sender: expected str, found int" in str(report["heard"])


def test_a_definition_error_has_no_internal_names_either() -> None:
    for annotation, text in (
        (Plain | int, "write @message above the class"),
        (Plain | Spot, "write @message above the class"),
        (list[int] | set[int], "more than one array"),
        (int | dict[str, int] | dict[int, str], "more than one"),
        (str | bytes, "more than one str-like"),
    ):
        with pytest.raises(DefinitionError, match=text) as caught:
            compile_shape(annotation, "here")
        assert not INTERNAL.search(str(caught.value)), caught.value
