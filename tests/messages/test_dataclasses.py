"""A message is a dataclass: what holds for one holds for the other."""

from __future__ import annotations

import copy
import dataclasses
import functools
import gc
import pickle
import sys
import weakref
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from distbench import DefinitionError, message
from distbench.formats import Codec, Format
from distbench.shapes import compile_shape
from tests.messages.kinds import FORMATS, LateTally, Point, Tally, Vote, round_trip

T = TypeVar("T")


@message
class Outer:
    """Holds a nested message class."""

    x: int

    @message
    class Inner:
        y: int = 1


def test_a_message_is_a_dataclass_for_the_library() -> None:
    vote = Vote(True, comment="yes")
    both: list[object] = [Vote, vote]
    assert all(dataclasses.is_dataclass(each) for each in both)
    assert [f.name for f in dataclasses.fields(vote)] == ["value", "comment"]
    assert [f.default for f in dataclasses.fields(Vote)] == [dataclasses.MISSING, ""]
    assert dataclasses.asdict(Tally([vote])) == {
        "votes": [{"value": True, "comment": "yes"}],
        "seen": set(),
        "by_node": {},
        "best": None,
    }
    assert dataclasses.astuple(vote) == (True, "yes")
    assert dataclasses.replace(vote, value=False) == Vote(False, "yes")


def test_messages_print_and_compare_like_dataclasses() -> None:
    assert repr(Vote(True)) == "Vote(value=True, comment='')"
    assert Vote(True) == Vote(True)
    assert Vote(True) != Vote(False)
    others: list[object] = [(1, 0), Vote(True)]
    assert Point(1) not in others


def test_copies_are_equal_and_deep_ones_share_nothing() -> None:
    tally = Tally([Vote(True)])
    assert copy.copy(tally) == tally
    assert copy.copy(tally).votes is tally.votes
    deep = copy.deepcopy(tally)
    assert deep == tally
    assert deep.votes[0] is not tally.votes[0]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace is new in 3.13")
def test_copy_replace_changes_a_field() -> None:
    assert copy.replace(Point(1, 2), y=3) == Point(1, 3)  # type: ignore[attr-defined,unused-ignore]


@pytest.mark.parametrize("value", [Vote(True), Point(3), LateTally(late=2), Outer(1), Outer.Inner(2)])
def test_messages_can_be_pickled(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


def test_a_message_keeps_its_names_and_docstring() -> None:
    assert (Outer.Inner.__module__, Outer.Inner.__qualname__) == (__name__, "Outer.Inner")
    assert Outer.__doc__ == "Holds a nested message class."


def test_match_takes_a_message_apart() -> None:
    match Point(1, 2):
        case Point(x, y=2):
            assert x == 1
        case _:
            pytest.fail("no match")


def test_only_frozen_messages_are_hashable() -> None:
    assert {Point(1), Point(1)} == {Point(1)}
    with pytest.raises(TypeError, match="unhashable"):
        hash(Vote(True))
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]


def test_a_mutable_default_is_made_anew() -> None:
    assert Tally().votes is not Tally().votes


def test_methods_properties_and_super_work() -> None:
    @message
    class Base:
        x: int

        def __post_init__(self) -> None:
            self.x += 1

        def describe(self) -> str:
            return f"base {self.x}"

        @property
        def double(self) -> int:
            return self.x * 2

        @classmethod
        def of(cls, x: int) -> Base:
            return cls(x)

        @staticmethod
        def unit() -> str:
            return "m"

        def __len__(self) -> int:
            return self.x

    @message
    class Derived(Base):
        y: int = 0

        def __post_init__(self) -> None:
            super().__post_init__()
            self.y = self.x

        def describe(self) -> str:
            return f"derived {super().describe()}"

        @property
        def double(self) -> int:
            return super().double + 1

        @classmethod
        def of(cls, x: int) -> Base:
            assert cls is __class__  # type: ignore[name-defined]
            return super().of(x * 10)

    made = Derived(1)
    assert (made.x, made.y, made.double, len(made), made.describe()) == (2, 2, 5, 2, "derived base 2")
    assert Derived.of(2) == Derived(20)
    assert Derived.unit() == "m"
    assert isinstance(made, Base)
    assert [f.name for f in dataclasses.fields(Derived)] == ["x", "y"]


def test_every_option_of_dataclass_counts() -> None:
    @message
    @dataclass(frozen=True, order=True, kw_only=True, slots=True)
    class Bid:
        price: int
        name: str = "a"
        kinds: ClassVar[int] = 3

        def who(self) -> tuple[str, type]:
            return super().__repr__(), __class__  # type: ignore[name-defined]

    low, high = Bid(price=1), Bid(price=2)
    assert sorted([high, low]) == [low, high]
    assert max(low, high) is high
    assert hash(low) == hash(Bid(price=1))
    assert low.who() == ("Bid(price=1, name='a')", Bid)
    assert Bid.kinds == 3
    with pytest.raises(TypeError):
        Bid(1)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        low.price = 3  # type: ignore[misc]


def test_messages_without_order_cannot_be_sorted() -> None:
    with pytest.raises(TypeError):
        sorted([Vote(True), Vote(False)])  # type: ignore[type-var]


def test_options_of_a_field_count() -> None:
    @message
    @dataclass(frozen=True, order=True)
    class Entry:
        key: int
        note: str = field(default="", compare=False, repr=False)

    one, other = Entry(1, "a"), Entry(1, "b")
    assert one == other
    assert hash(one) == hash(other)
    assert not one < other
    assert "note" not in repr(one)


def test_eq_and_unsafe_hash_count() -> None:
    @message
    @dataclass(eq=False)
    class Token:
        x: int

    @message
    @dataclass(unsafe_hash=True)
    class Key:
        x: int

    assert Token(1) != Token(1)
    assert len({Token(1), Token(1)}) == 2
    assert len({Key(1), Key(1)}) == 1


@pytest.mark.parametrize("over_dataclass", [False, True])
def test_special_methods_of_the_user_stay(over_dataclass: bool) -> None:
    class Plain:
        x: int
        y: int = 0

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and other.x == self.x

        def __hash__(self) -> int:
            return hash(self.x)

        def __repr__(self) -> str:
            return f"<{self.x}>"

        def __str__(self) -> str:
            return "text"

    made: Any = message(dataclass(Plain) if over_dataclass else Plain)
    assert made(1, 2) == made(1, 3)
    assert hash(made(1)) == hash(1)
    assert repr(made(1)) == "<1>"
    assert str(made(1)) == "text"


def test_a_frozen_message_with_its_own_eq_is_hashable() -> None:
    @message
    @dataclass(frozen=True)
    class Tagged:
        x: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Tagged) and other.x == self.x

    assert Tagged(1) == Tagged(1)
    assert hash(Tagged(1)) == hash(Tagged(1))


def test_a_cached_property_works() -> None:
    @message
    class Heavy:
        x: int

        @functools.cached_property
        def squares(self) -> list[int]:
            return [self.x**2]

    heavy = Heavy(3)
    assert heavy.squares is heavy.squares
    assert round_trip(Heavy, heavy, "json") == heavy


def test_a_mixin_may_stand_beside() -> None:
    class Named:
        name: str

        def greeting(self) -> str:
            return f"hello {self.name}"

    @message
    class Person(Named):
        name: str
        age: int = 1

    assert Person("a").greeting() == "hello a"


# ---------------------------------------------------------------- inheritance


def test_fields_and_defaults_are_inherited_in_order() -> None:
    @message
    class First:
        a: int
        b: int = 1

    @message
    class Second(First):
        c: int = 2

    @message
    class Third(Second):
        b: int = 9

    assert Second(1) == Second(1, 1, 2)
    assert Third(1) == Third(1, 9, 2)
    assert [f.name for f in dataclasses.fields(Third)] == ["a", "b", "c"]
    assert (Third(1).a, Third(1).b, Third(1).c) == (1, 9, 2)
    assert First(1) != Second(1)


def test_a_derived_message_may_be_over_its_own_dataclass() -> None:
    @message
    class Base:
        a: int
        b: int = 1

    @message
    @dataclass
    class Plain(Base):
        c: int = 2

    @message
    @dataclass(kw_only=True)
    class Named(Base):
        c: int  # type: ignore[misc] # mypy looks at @message only

    assert Plain(1) == Plain(1, 1, 2)
    assert Named(1, c=3).c == 3
    for format in FORMATS:
        assert round_trip(Plain, Plain(1), format) == Plain(1)
        assert round_trip(Named, Named(5, 6, c=7), format) == Named(5, 6, c=7)


def test_a_message_derived_from_a_frozen_one_is_frozen() -> None:
    @message
    @dataclass(frozen=True, order=True)
    class Base:
        a: int

    @message
    class Derived(Base):  # type: ignore[misc]
        b: int = field(default=3)

    @message
    @dataclass(frozen=True)
    class Other(Base):  # type: ignore[misc]
        b: int = 4

    assert hash(Derived(1)) == hash(Derived(1))
    assert Derived(1) < Derived(2)
    assert Other(1).b == 4
    with pytest.raises(AttributeError):
        Derived(1).b = 2


def test_a_class_attribute_without_annotation_is_no_field() -> None:
    @message
    class Base:
        a: int = 1

    @message
    class Derived(Base):
        unit = "ms"

    assert Derived(3).a == 3
    assert Derived(3).unit == "ms"
    assert [f.name for f in dataclasses.fields(Derived)] == ["a"]


@pytest.mark.parametrize("format", FORMATS)
def test_generic_messages_nest_and_are_inherited(format: Format) -> None:
    @message
    class Pair(Generic[T]):
        left: T
        right: T

    @message
    class Numbers(Pair[int]):
        name: str = ""

    @message
    class Sub(Numbers):
        more: int = 0

    nested: Any = Pair(Pair(1, 2), Pair(3, 4))
    assert round_trip(Pair[Pair[int]], nested, format) == nested
    assert round_trip(Numbers, Numbers(1, 2, "n"), format) == Numbers(1, 2, "n")
    assert round_trip(Sub, Sub(1, 2, "n", 3), format) == Sub(1, 2, "n", 3)
    assert round_trip(Pair, Pair(Vote(True), [1]), format) == Pair(Vote(True), [1])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is new in 3.12")
def test_type_parameters_in_the_new_syntax_work() -> None:
    names: dict[str, Any] = {"message": message, "__name__": __name__}
    exec("@message\nclass Cell[T]:\n    item: T\n    rest: list[T]\n", names)
    cell = names["Cell"]
    assert round_trip(cell[int], cell(1, [2]), "json") == cell(1, [2])
    assert round_trip(cell[Point], cell(Point(1), [Point(2)]), "msgpack") == cell(Point(1), [Point(2)])


# ---------------------------------------------------------------- what cannot be


def test_what_no_message_can_have_is_a_definition_error_that_names_the_class() -> None:
    def init_var() -> None:
        @message
        class Bad:
            x: dataclasses.InitVar[int]

    def not_in_init() -> None:
        @message
        class Bad:
            x: int = field(init=False, default=1)

    def own_init() -> None:
        @message
        class Bad:
            x: int

            def __init__(self, x: str) -> None:
                self.x = int(x)

    def own_new() -> None:
        @message
        class Bad:
            x: int

            def __new__(cls, x: int) -> Any:
                return 1

    def mutable_default() -> None:
        @message
        class Bad:
            x: list[int] = []  # noqa: RUF012

    def wrong_order() -> None:
        @message
        class Bad(Tally):
            x: int  # type: ignore[misc]

    def plain_base() -> None:
        @dataclass
        class Base:
            y: int

        @message
        class Bad(Base):
            x: int

    def some_named() -> None:
        @message
        class Bad:
            x: int
            _: KW_ONLY
            y: int

    def below_dataclass() -> None:
        @dataclass
        @message
        class Bad:
            x: int

    wrong = {
        init_var: "InitVar",
        not_in_init: "init=False",
        own_init: "__post_init__",
        own_new: "__new__",
        mutable_default: "default_factory",
        wrong_order: "non-default argument",
        plain_base: "write @message above that too",
        some_named: "kw_only",
        below_dataclass: "write @message above @dataclass",
    }
    for define, text in wrong.items():
        with pytest.raises(DefinitionError, match=text) as caught:
            define()
        assert "Bad" in str(caught.value), define
        assert define is below_dataclass or "test_dataclasses.py:" in str(caught.value)


@pytest.mark.parametrize("thing", [3, lambda: 1, Point(1)])
def test_only_classes_can_be_messages(thing: Any) -> None:
    with pytest.raises(DefinitionError, match="marks a class"):
        message(thing)


def test_marking_twice_is_marking_once() -> None:
    assert message(Point) is Point


def test_message_classes_are_forgotten_with_their_last_user() -> None:
    def make() -> weakref.ref[type]:
        @message
        class Local:
            inside: list[Local]  # no union: typing itself remembers the last ones
            seen: set[int] = field(default_factory=set)

        codec, shape = Codec("json"), compile_shape(Local, "here")
        assert codec.decoder(shape)(codec.encoder(shape)(Local([Local([])]))) == Local([Local([])])
        return weakref.ref(Local)

    reference = make()
    gc.collect()
    assert reference() is None
