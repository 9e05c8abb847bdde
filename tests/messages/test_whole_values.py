"""What is sent arrives whole, or is refused: nothing of it vanishes or becomes something else."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, NotRequired, TypedDict, TypeVar

import msgspec
import pytest
from hypothesis import given, settings

import distbench
from distbench import Algorithm, DefinitionError, MessageError, PeerId, Signed, handler, message
from distbench.formats import Format
from distbench.messages import tag_of
from distbench.node.route import REFUSALS
from distbench.shapes import compile_shape
from tests.messages.kinds import CODECS, DICT, FORMATS, KINDS, Box, Colour, Envelope, Level, Vote, round_trip, same
from tests.messages.sending import send

T = TypeVar("T")


@dataclass
class Command:
    name: str


@dataclass
class Put(Command):
    value: int = 0


class Same(Command):
    """Nothing more, but another class."""


@dataclass
class Cell(Generic[T]):
    item: T


@dataclass
class NamedCell(Cell[int]):
    name: str = ""


class Spot(NamedTuple):
    x: int
    y: int = 0


class FarSpot(Spot):
    far = True


class Options(TypedDict):
    depth: int
    more: NotRequired[str]


class MoreOptions(Options):
    extra: int


@message
class Holder:
    command: Command
    commands: list[Command] = field(default_factory=list)
    by_name: dict[str, Command] = field(default_factory=dict)
    maybe: Command | None = None


CUT: list[tuple[Any, Any]] = [
    (Command, Put("a", 1)),
    (Command, Same("a")),
    (Command, {"name": "a"}),
    (list[Command], [Command("a"), Put("a", 1)]),
    (tuple[int, Command], (1, Put("a", 1))),
    (dict[str, Command], {"a": Put("a", 1)}),
    (Command | None, Put("a", 1)),
    (Sequence[Command], [Put("a", 1)]),
    (Cell[int], NamedCell(1, "a")),
    (Holder, Holder(Put("a", 1))),
    (Holder, Holder(Command("a"), [Put("a", 1)])),
    (Holder, Holder(Command("a"), [], {"a": Put("a", 1)})),
    (Holder, Holder(Command("a"), maybe=Put("a", 1))),
    (Box[Command], Box(Put("a", 1))),
    (list[Holder | None], [Holder(Put("a", 1))]),
    (Any, Put("a", 1)),
    (Any, Spot(1)),
    (Envelope, Envelope([Holder(Put("a", 1))])),
    (Spot, FarSpot(1)),
    (Spot, (1,)),
    (Spot, (1, 2, 3)),
    (list[Spot], [FarSpot(1)]),
    (Options, {"depth": 1, "extra": 2}),
    (Options, {}),
    (list[Options], [{"depth": 1, "extra": 2}]),
    (dict[str, str], Command("a")),
    (dict[str, int], {datetime.date(2020, 1, 1): 1}),
    (dict[str, int], {uuid.UUID(int=1): 1}),
    (dict[str, int], {Colour.RED: 1}),
    (dict[Colour, int], {"red": 1}),
    (bytes, "abcd"),
    (dict[str, str], {"a": b"abcd"}),
    (datetime.date, "2020-01-01"),
    (uuid.UUID, str(uuid.UUID(int=1))),
    (decimal.Decimal, 0.1),
    (Colour, "red"),
    (set[int], [1, 1]),
    (datetime.datetime, datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(seconds=30)))),
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("case", range(len(CUT)))
def test_what_would_lose_something_is_refused_by_the_encoder(case: int, format: Format) -> None:
    annotation, value = CUT[case]
    with pytest.raises(REFUSALS):
        CODECS[format].encoder(compile_shape(annotation, "here"))(value)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("value", [Put("a", 1), Same("a"), Colour.RED])
def test_so_is_what_would_in_a_signature(value: object, format: Format) -> None:
    for annotation, wrap in ((Signed[Command], lambda it: it), (list[Signed[Command]], lambda it: [it])):
        sent = send(annotation, lambda node, wrap=wrap: wrap(node.sign(value)), format=format)  # type: ignore[misc]
        assert isinstance(sent.error, MessageError), sent.received
        assert sent.received == []


def test_a_subclass_is_refused_by_name() -> None:
    sent = send(Command, lambda _: Put("a", 1))
    with pytest.raises(MessageError, match="take takes Command: expected Command, found Put, in Put"):
        raise sent.error or AssertionError


@pytest.mark.parametrize("format", FORMATS)
def test_a_receiver_refuses_fields_that_it_does_not_know(format: Format) -> None:
    """Whoever else may write them."""
    codec = CODECS[format]
    for annotation, wide, value in (
        (Command, Put, Put("a", 1)),
        (Options, MoreOptions, {"depth": 1, "extra": 2}),
        (list[Command], list[Put], [Put("a", 1)]),
        (Spot, tuple[int, int, int], (1, 2, 3)),
    ):
        payload = codec.encoder(compile_shape(wide, "here"))(value)
        with pytest.raises(REFUSALS):
            codec.decoder(compile_shape(annotation, "here"))(payload)


@pytest.mark.parametrize("format", FORMATS)
def test_what_loses_nothing_arrives(format: Format) -> None:
    for annotation, value, expected in (
        (Put, Put("a", 1), Put("a", 1)),
        (Cell[int], Cell(1), Cell(1)),
        (NamedCell, NamedCell(1, "a"), NamedCell(1, "a")),
        (Spot, (1, 2), Spot(1, 2)),
        (Options, {"depth": 1, "more": "x"}, {"depth": 1, "more": "x"}),
        (MoreOptions, {"depth": 1, "extra": 2}, {"depth": 1, "extra": 2}),
        (dict[str, int], collections.Counter("aab"), {"a": 2, "b": 1}),
        (dict[str, list[int]], collections.defaultdict(list, a=[1]), {"a": [1]}),
        (dict[str, int], collections.OrderedDict(a=1), {"a": 1}),
        (list[int], (1, 2), [1, 2]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (set[int], [1, 2], {1, 2}),
        (float, 3, 3.0),
        (decimal.Decimal, 3, decimal.Decimal(3)),
        (dict[str, int], {"a": Level.LOW}, {"a": 1}),
        (Holder, Holder(Command("a"), [Command("b")]), Holder(Command("a"), [Command("b")])),
    ):
        assert same(round_trip(annotation, value, format), expected), annotation


@pytest.mark.parametrize("examples", [60, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("format", FORMATS)
def test_any_value_under_any_annotation_arrives_equal_or_is_refused(format: Format, examples: int) -> None:
    """Checked where anything could be mistaken: a text and a list of a message's own are what they look like."""
    kinds = KINDS[format]

    @settings(deadline=None, max_examples=examples)
    @given(kinds.values, kinds.values)
    def equal_or_refused(one: tuple[Any, Any], other: tuple[Any, Any]) -> None:
        annotation, value = one[0], other[1]
        shape = compile_shape(DICT[str, annotation], "here")
        codec = CODECS[format]
        try:
            found = codec.decoder(shape)(codec.encoder(shape)({"it": value}))["it"]
        except REFUSALS:
            return
        assert alike(found, value), f"{value!r} as {annotation} came back as {found!r}"

    equal_or_refused()


def alike(found: Any, sent: Any) -> bool:
    """Equal, but for what the guide says: kinds of lists, plain numbers in place of enums', an int for a float."""
    arrays = (list, tuple, set, frozenset)
    if isinstance(found, (set, frozenset)) or isinstance(sent, (set, frozenset)):
        return isinstance(found, arrays) and isinstance(sent, arrays) and len(found) == len(sent)
    if isinstance(found, arrays):
        return isinstance(sent, arrays) and len(found) == len(sent) and all(map(alike, found, sent))
    if isinstance(found, dict):
        return found.keys() == sent.keys() and all(alike(found[key], sent[key]) for key in found)
    if hasattr(found, "__struct_fields__"):
        names = found.__struct_fields__
        return type(found) is type(sent) and all(alike(getattr(found, n), getattr(sent, n)) for n in names)
    numbers = type(found) in (int, float, decimal.Decimal) and isinstance(sent, (int, decimal.Decimal, enum.Enum))
    return bool(found == sent or float(found) == float(sent)) if numbers else same(found, sent)


@pytest.mark.parametrize("format", FORMATS)
def test_a_dataclass_is_made_as_its_author_wrote_it(format: Format) -> None:
    @dataclass(frozen=True, slots=True)
    class Frozen:
        x: int
        y: list[int] = field(default_factory=list)
        z: int = field(default=3, kw_only=True)

    @dataclass
    class Sums:
        x: int
        total: int = field(init=False)

        def __post_init__(self) -> None:
            self.total = self.x + 1

    for value in (Frozen(1, [2], z=4), Sums(3)):
        assert round_trip(type(value), value, format) == value


def test_a_record_that_holds_itself_is_a_definition_error() -> None:
    with pytest.raises(DefinitionError, match="Chain holds itself, which only a message may; write @message above"):
        compile_shape(Chain, "here")


@dataclass
class Chain:
    x: int
    next: Chain | None = None


@pytest.mark.slow
def test_a_subclass_is_refused_in_local_mode_too() -> None:
    @distbench.distbench
    class Sends(Algorithm):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                await peer.take(Put("a", 1))

        @handler
        async def take(self, src: PeerId, msg: Command) -> None: ...

    result = distbench.run(Sends, "complete:2", mode="local", timeout=20)
    assert result.exit_status == 1
    assert all("expected Command, found Put" in failure.exception for failure in result.failures)


@pytest.mark.parametrize("format", FORMATS)
def test_a_receiver_refuses_a_message_of_more_fields_than_it_has(format: Format) -> None:
    codec = CODECS[format]
    payload = codec._encode([tag_of(Vote), True, "", 3])
    for annotation, text in (
        (Vote, payload),
        (Any, payload),
        (list[Vote | None], codec._encode([[tag_of(Vote), True, "", 3]])),
    ):
        shape = compile_shape(annotation, "here")
        with pytest.raises(REFUSALS) as caught:
            codec.decoder(shape)(text)
        assert "expected Vote of 2 fields, found 3" in codec.explain_received(text, shape, caught.value)


def test_a_receiver_refuses_inside_any_what_no_format_could_give_back() -> None:
    """As it does in a field that is annotated; json writes neither."""
    codec = CODECS["msgpack"]
    for value, text in ((float("nan"), "finite float"), (float("-inf"), "finite float"), (2**63, "int of 64 bits")):
        for annotation, payload in ((Any, [value]), (Envelope, [tag_of(Envelope), {"a": value}])):
            written, shape = msgspec.msgpack.encode(payload), compile_shape(annotation, "here")
            with pytest.raises(REFUSALS) as caught:
                codec.decoder(shape)(written)
            assert text in codec.explain_received(written, shape, caught.value)


def test_a_vote_is_no_list_of_its_fields() -> None:
    for format in FORMATS:
        with pytest.raises(REFUSALS):
            round_trip(dict[str, Vote], {"a": ["tests.messages.kinds.Vote", True, ""]}, format)
