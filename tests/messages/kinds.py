"""Message classes, annotations with values that fit them, and codecs, for the tests of messages and signatures."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Optional, TypeVar

from hypothesis import strategies as st

from distbench import PeerId, Signed, message
from distbench.formats import Codec, Format
from distbench.messages import is_message
from distbench.shapes import compile_shape
from distbench.signing import KeyPair, Keyring

T = TypeVar("T")

FORMATS: tuple[Format, ...] = ("json", "msgpack")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@message
@dataclass(frozen=True)
class Point:
    """Frozen, so it may stand in a set."""

    x: int
    y: int = 0


@message
class Vote:
    value: bool
    comment: str = ""


@message
class Ballot:
    """The same fields as ``Vote``."""

    value: bool
    comment: str = ""


@message
class Tally:
    votes: list[Vote] = field(default_factory=list)
    seen: set[PeerId] = field(default_factory=set)
    by_node: dict[PeerId, Vote] = field(default_factory=dict)
    best: Vote | None = None


@message
class LateTally(Tally):
    """Inherits its fields."""

    late: int = 0


@message
class Tree:
    label: str
    children: list[Tree] = field(default_factory=list)
    parent: Tree | None = None


@message
class Even:
    """With ``Odd`` a cycle of two classes; the set is seen only from the second."""

    next: Odd | None = None


@message
class Odd:
    marks: set[str] = field(default_factory=set)
    next: Even | None = None
    proof: Signed[Point] | None = None


@message
class Box(Generic[T]):
    item: T
    more: list[T] = field(default_factory=list)


@message
class PointBox(Box[Point]):
    name: str = ""


@message
class SignedSets(Box[Signed[Vote] | set[int]]):
    """What its base holds is said only here."""


@message
class Deep(Generic[T], Box[list[T]]):
    own: T | None = None


@message
class Deeper(Deep[Any]):
    pass


@message
class Envelope:
    """What a lower layer carries for the layer above."""

    payload: Any
    number: int = 0


@message
class Choice:
    """Lists and dicts in a union with messages."""

    one: Vote | list[int] | dict[str, int] | str | None = None
    two: Signed[Vote] | Signed[Point] | Vote | list[Point] | None = None
    three: Vote | Ballot | Point = field(default_factory=lambda: Point(1))


NODES = (PeerId("n1"), PeerId("n2"), PeerId("n10"))
PAIRS = {node: KeyPair(bytes([number]) * 32) for number, node in enumerate(NODES)}
RUN = b"run 1".ljust(16, b"\0")


def keyring(run_id: bytes = RUN) -> Keyring:
    """A new memory of verified signatures, with the keys of ``NODES``."""
    return Keyring(run_id, {node: pair.public for node, pair in PAIRS.items()})


CODECS: dict[Format, Codec] = {format: Codec(format, keyring()) for format in FORMATS}


def sign(value: T, signer: PeerId = NODES[0], format: Format = "json") -> Signed[T]:
    return CODECS[format].sign(value, PAIRS[signer], signer)


def round_trip(annotation: Any, value: object, format: Format) -> Any:
    """``value`` written and read under ``annotation``."""
    codec = CODECS[format]
    shape = compile_shape(annotation, "here")
    return codec.decoder(shape)(codec.encoder(shape)(value))


def same(one: object, other: object) -> bool:
    """Equal, and of the same types all the way down: ``True`` is not ``1``, a list is no tuple."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Signed) and isinstance(other, Signed):
        return one == other and same(one.unwrap(), other.unwrap())
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):  # the order counts
        return same(list(one.items()), list(other.items()))
    if is_message(type(one)):
        names = type(one).__dataclass_fields__  # type: ignore[attr-defined]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, (set, frozenset)) and isinstance(other, (set, frozenset)):
        return one == other and {type(item) for item in one} == {type(item) for item in other}
    return one == other


# ---------------------------------------------------------------- values

Typed = tuple[Any, st.SearchStrategy[Any]]
"""An annotation, and values that fit it."""

# For mypy, which takes no variable in an annotation.
LIST: Any = list
TUPLE: Any = tuple
DICT: Any = dict
SET: Any = set
FROZENSET: Any = frozenset
OPTIONAL: Any = Optional
BOX: Any = Box

texts = st.text(max_size=8)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
peer_ids = st.sampled_from(NODES)
zones = st.sampled_from([None, datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=30))])
points = st.builds(Point, integers, st.integers(-5, 5))
votes = st.builds(Vote, st.booleans(), texts)
ballots = st.builds(Ballot, st.booleans(), texts)
tallies = st.builds(
    Tally, st.lists(votes, max_size=3), st.sets(peer_ids), st.dictionaries(peer_ids, votes), st.none() | votes
)
trees: st.SearchStrategy[Tree] = st.recursive(
    st.builds(Tree, texts),
    lambda inner: st.builds(Tree, texts, st.lists(inner, max_size=3), st.none() | inner),
    max_leaves=5,
)
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
like_messages = st.sampled_from([["a.b.C"], ["~signed", 1], ["~list"]])
"""Plain lists, though they look like what is written for a message."""


class Kinds:
    """Typed values of one format: what is signed is signed in the format of the run."""

    def __init__(self, format: Format) -> None:
        self.format = format
        self.odds: st.SearchStrategy[Odd] = st.recursive(
            st.builds(Odd, st.sets(texts, max_size=3)),
            lambda inner: st.builds(
                Odd,
                st.sets(texts, max_size=3),
                st.none() | st.builds(Even, st.none() | inner),
                st.none() | self.signed(points),
            ),
            max_leaves=4,
        )
        self.anything: st.SearchStrategy[Any] = st.recursive(
            plain | like_messages | points | votes | tallies | self.signed(votes | plain),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(texts, inner, max_size=3)
                | st.builds(Envelope, inner, integers)
                | self.signed(st.builds(Envelope, inner))
            ),
            max_leaves=5,
        )
        self.hashable = self._hashable()
        self.single = (*self.hashable, *self._unhashable(), *self._classes())
        leaves = st.sampled_from(self.single) | st.sampled_from(self.hashable).flatmap(_in_sets)
        self.values = st.recursive(
            leaves, lambda inner: inner.flatmap(self._in_containers), max_leaves=3
        ).flatmap(_pair)  # fmt: skip

    def signed(self, values: st.SearchStrategy[T]) -> st.SearchStrategy[Signed[T]]:
        return st.builds(lambda value, signer: sign(value, signer, self.format), values, peer_ids)

    def _hashable(self) -> tuple[Typed, ...]:
        return (
            (str, texts),
            (bool, st.booleans()),
            (int, integers),
            (bytes, st.binary(max_size=8)),
            (Colour, st.sampled_from(Colour)),
            (Level, st.sampled_from(Level)),
            (datetime.datetime, st.datetimes(timezones=zones)),
            (datetime.date, st.dates()),
            (datetime.timedelta, st.timedeltas(datetime.timedelta(-999), datetime.timedelta(999))),
            (uuid.UUID, st.uuids()),
            (decimal.Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
            (Literal["a", "b", 3], st.sampled_from(["a", "b", 3])),
            (PeerId, peer_ids),
            (Point, points),
            (Signed[Point], self.signed(points)),
        )

    def _unhashable(self) -> tuple[Typed, ...]:
        return (
            (float, floats),
            (None, st.none()),
            (Vote, votes),
            (Signed[Vote], self.signed(votes)),
            (Signed[str], self.signed(texts)),
            (Signed[list[int]], self.signed(st.lists(integers))),
            (Signed[dict[int, bytes]], self.signed(st.dictionaries(integers, st.binary()))),
            (Signed[Signed[Vote]], self.signed(self.signed(votes))),
            (Signed[Vote] | Signed[Ballot], self.signed(votes) | self.signed(ballots)),
            (Signed[Vote | Ballot], self.signed(votes | ballots)),
            (Signed[Tally], self.signed(tallies)),
            (Signed[Any], self.signed(self.anything)),
            (Any, self.anything),
            (Any, st.lists(st.sampled_from(["tests.messages.kinds.Vote", "", 1]), max_size=3)),
            (Vote | Ballot | None, st.none() | votes | ballots),
            (int | str | None, st.none() | integers | texts),
            (float | None, st.none() | floats),
            (list[int] | dict[str, Vote], st.lists(integers) | st.dictionaries(texts, votes, max_size=3)),
            (Vote | list[datetime.datetime], votes | st.lists(st.datetimes(timezones=zones), max_size=3)),
            (Vote | dict[int, uuid.UUID], votes | st.dictionaries(integers, st.uuids(), max_size=3)),
            (Signed[Vote] | bytes | list[bytes], self.signed(votes) | st.binary() | st.lists(st.binary(), max_size=2)),
        )

    def _classes(self) -> tuple[Typed, ...]:
        return (
            (Tree, trees),
            (Even, st.builds(Even, st.none() | self.odds)),
            (Odd, self.odds),
            (Tally, tallies),
            (LateTally, st.builds(LateTally, st.lists(votes, max_size=2), late=integers)),
            (PointBox, st.builds(PointBox, points, st.lists(points, max_size=2), texts)),
            (SignedSets, st.builds(SignedSets, self.signed(votes) | st.sets(integers, max_size=3))),
            (Deep[int], st.builds(Deep, st.lists(integers), st.just([]), integers)),
            (Deeper, st.builds(Deeper, st.lists(self.anything, max_size=2), st.just([]), self.anything)),
            (Envelope, st.builds(Envelope, self.anything, integers)),
            (
                Choice,
                st.builds(
                    Choice,
                    st.none() | votes | st.lists(integers) | st.dictionaries(texts, integers, max_size=3) | texts,
                    st.none() | self.signed(votes) | self.signed(points) | votes | st.lists(points, max_size=3),
                    votes | ballots | points,
                ),
            ),
        )

    def _in_containers(self, typed: Typed) -> st.SearchStrategy[Typed]:
        annotation, values = typed
        wrapped: list[Typed] = [
            (LIST[annotation], st.lists(values, max_size=3)),
            (TUPLE[annotation, ...], st.lists(values, max_size=3).map(tuple)),
            (TUPLE[annotation, int], st.tuples(values, integers)),
            (DICT[str, annotation], st.dictionaries(texts, values, max_size=3)),
            (DICT[int, annotation], st.dictionaries(integers, values, max_size=3)),
            (DICT[PeerId, annotation], st.dictionaries(peer_ids, values, max_size=3)),
            (OPTIONAL[annotation], st.none() | values),
            (BOX[annotation], st.builds(Box, values, st.lists(values, max_size=2))),
        ]
        return st.sampled_from(wrapped)


def _in_sets(typed: Typed) -> st.SearchStrategy[Typed]:
    annotation, values = typed
    wrapped: list[Typed] = [
        (SET[annotation], st.sets(values, max_size=3)),
        (FROZENSET[annotation], st.frozensets(values, max_size=3)),
        (SET[TUPLE[annotation, ...]], st.sets(st.lists(values, max_size=2).map(tuple), max_size=3)),
    ]
    return st.sampled_from(wrapped)


def _pair(typed: Typed) -> st.SearchStrategy[tuple[Any, Any]]:
    annotation, values = typed
    return values.map(lambda value: (annotation, value))


KINDS: dict[Format, Kinds] = {format: Kinds(format) for format in FORMATS}
