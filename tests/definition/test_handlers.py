"""Handlers: marked, inherited, overridden, and decorated."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import pytest

import distbench
from distbench import Algorithm, PeerId, RunResult, config_field, handler, message
from distbench.definition import define

T = TypeVar("T")


@message
class Vote:
    value: int


PAIR: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}


def run(cls: type[Algorithm]) -> RunResult:
    result = distbench.run(distbench.distbench(cls), PAIR)
    assert result.failures == ()
    return result


def at(result: RunResult, node: str) -> Any:
    return result.algorithms[PeerId(node)]


class Base(Algorithm):
    """Votes for a number; what it hears is written down with the name of who heard it."""

    number: int = config_field(default=1)

    def __init__(self) -> None:
        self.heard: list[object] = []

    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.vote(Vote(self.number))

    @handler
    async def vote(self, src: PeerId, msg: Vote) -> None:
        self.heard.append(("base", msg.value))


def test_both_ways_of_marking_are_alike() -> None:
    class Marked(Algorithm):
        @handler
        async def one(self, src: PeerId, msg: Vote) -> None: ...

        @handler()
        async def two(self, src: PeerId, msg: Vote) -> None: ...

    assert [h.name for h in define(distbench.distbench(Marked)).handlers] == ["one", "two"]
    assert [h.name for h in define(distbench.distbench()(Marked)).handlers] == ["one", "two"]


def test_handlers_and_fields_are_inherited_over_several_levels() -> None:
    class Middle(Base):
        extra: str = config_field(default="x")

        @handler
        async def more(self, src: PeerId, msg: str) -> None:
            self.heard.append(("more", msg))

    class Leaf(Middle):
        number: int = config_field(default=7)

        async def on_start(self) -> None:
            await super().on_start()
            for peer in self.peers.values():
                await peer.more(self.extra)

    result = run(Leaf)
    assert at(result, "n2").heard == [("base", 7), ("more", "x")]
    assert list(define(Leaf).config_fields) == ["number", "extra"]


def test_an_override_is_a_handler_with_or_without_the_decorator() -> None:
    class Marked(Base):
        @handler
        async def vote(self, src: PeerId, msg: Vote) -> None:
            self.heard.append(("marked", msg.value))
            await super().vote(src, msg)

    class Bare(Base):
        async def vote(self, src: PeerId, msg: Vote) -> None:
            self.heard.append(("bare", msg.value))
            await super().vote(src, msg)

    assert at(run(Marked), "n1").heard == [("marked", 1), ("base", 1)]
    assert at(run(Bare), "n1").heard == [("bare", 1), ("base", 1)]


def test_an_override_may_take_another_message() -> None:
    class Other(Base):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                await peer.vote("plain")

        @handler
        async def vote(self, src: PeerId, msg: str) -> None:  # type: ignore[override]
            self.heard.append(msg)

    assert at(run(Other), "n1").heard == ["plain"]


def test_mixins_bring_handlers_fields_and_state() -> None:
    class Counting:
        step: int = config_field(default=2)
        counts: dict[str, int] = {}  # noqa: RUF012 - every node gets its own

        @handler
        async def count(self, src: PeerId, msg: str) -> None:
            self.counts[msg] = self.counts.get(msg, 0) + self.step

    class Mixed(Counting, Base):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                await peer.count(str(self.id()))

    result = run(Mixed)
    assert at(result, "n1").counts == {"n2": 2}
    assert at(result, "n2").counts == {"n1": 2}


def test_abstract_and_generic_bases_work() -> None:
    class Abstract(Base, ABC):
        @abstractmethod
        def decide(self) -> int: ...

        @handler
        async def vote(self, src: PeerId, msg: Vote) -> None:
            self.heard.append(self.decide() + msg.value)

    class Typed(Abstract, Generic[T]):
        kept: T | None = None

    class Concrete(Typed[int]):
        def decide(self) -> int:
            return 10

    assert at(run(Concrete), "n1").heard == [11]
    with pytest.raises(distbench.DefinitionError, match="Abstract is abstract, it lacks decide; run a subclass"):
        run(Abstract)


def noted(function: Any) -> Any:
    @functools.wraps(function)
    async def wrapper(self: Any, src: PeerId, msg: Any) -> None:
        self.heard.append("before")
        await function(self, src, msg)

    return wrapper


def test_other_decorators_may_stand_on_either_side() -> None:
    class Outside(Base):
        @noted
        @handler
        async def vote(self, src: PeerId, msg: Vote) -> None:
            self.heard.append(msg.value)

    class Inside(Base):
        @handler
        @noted
        async def vote(self, src: PeerId, msg: Vote) -> None:
            self.heard.append(msg.value)

    for cls in (Outside, Inside):
        assert at(run(cls), "n1").heard == ["before", 1]


def test_further_parameters_with_a_default_are_left_alone() -> None:
    class Extended(Base):
        @handler
        async def vote(
            self, src: PeerId, msg: Vote, twice: bool = False, *rest: int, more: int = 0, **named: int
        ) -> None:
            self.heard.append((msg.value, twice, rest, more, named))
            if not twice and not more:
                await self.vote(src, msg, True, more=3)

    assert at(run(Extended), "n1").heard == [(1, False, (), 0, {}), (1, True, (), 3, {})]


def test_calls_and_casts_are_told_by_the_return_annotation() -> None:
    class Replies(Algorithm):
        @handler
        async def nothing(self, src: PeerId, msg: int) -> None: ...

        @handler
        async def unsaid(self, src, msg: int):  # type: ignore[no-untyped-def]
            return 3

        @handler
        async def number(self, src: PeerId, msg: int) -> int:
            return msg

        @handler
        async def maybe(self, src: PeerId, msg: int) -> int | None:
            return None

        @handler
        async def anything(self, src: PeerId, msg: int) -> Any: ...

    replies = {h.name: h.reply is not None for h in define(distbench.distbench(Replies)).handlers}
    assert replies == {"nothing": False, "unsaid": False, "number": True, "maybe": True, "anything": True}


def test_a_handler_may_have_any_name_that_is_free() -> None:
    class Named(Algorithm):
        got: int = 0

        async def on_start(self) -> None:
            for peer in self.peers.values():
                for name in ("id", "N", "sign", "now", "choice", "random", "message", "self_"):
                    await getattr(peer, name)(1)

        @handler
        async def id(self, src: PeerId, msg: int) -> None:  # type: ignore[override]
            self.got += msg

        @handler
        async def N(self, src: PeerId, msg: int) -> None:  # type: ignore[override] # noqa: N802
            self.got += msg

        @handler
        async def sign(self, src: PeerId, msg: int) -> None:  # type: ignore[override]
            self.got += msg

        @handler
        async def now(self, src: PeerId, msg: int) -> None:  # type: ignore[override]
            self.got += msg

        @handler
        async def choice(self, src: PeerId, msg: int) -> None:  # type: ignore[override]
            self.got += msg

        @handler
        async def random(self, src: PeerId, msg: int) -> None:  # type: ignore[override]
            self.got += msg

        @handler
        async def message(self, src: PeerId, msg: int) -> None:
            self.got += msg

        @handler
        async def self_(self, src: PeerId, msg: int) -> None:
            self.got += msg

    assert at(run(Named), "n1").got == 8
