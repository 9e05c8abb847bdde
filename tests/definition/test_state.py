"""The state of a node is its own, and its attributes may have any name."""

from __future__ import annotations

import asyncio
import collections
import functools
import logging
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

import distbench
from distbench import Algorithm, PeerId, RunResult, config_field, handler

PAIR: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}


@dataclass
class Log:
    lines: list[str] = field(default_factory=list)


class Counter:
    """Can be called, and remembers it."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


def run(cls: type[Algorithm]) -> RunResult:
    result = distbench.run(distbench.distbench(cls), PAIR)
    assert result.failures == (), result.failures
    return result


def nodes(cls: type[Algorithm]) -> list[Any]:
    return list(run(cls).algorithms.values())


def test_mutable_class_attributes_are_not_shared_between_nodes_or_runs() -> None:
    class Stateful(Algorithm):
        numbers = [1]  # noqa: RUF012
        table = {"a": [1]}  # noqa: RUF012
        unique = {1}  # noqa: RUF012
        queue: ClassVar[Any] = collections.deque([1], maxlen=3)
        counts: ClassVar[Any] = collections.Counter("a")
        groups: ClassVar[Any] = collections.defaultdict(list)
        nested = ([1], {"a": {1}})
        log = Log()
        counter = Counter()
        buffer = bytearray(b"a")
        event = asyncio.Event()
        inbox: ClassVar[Any] = asyncio.Queue()

        async def on_start(self) -> None:
            self.numbers.append(2)
            self.table["a"].append(2)
            self.unique.add(2)
            self.queue.append(2)
            self.counts["a"] += 1
            self.groups["x"].append(1)
            self.nested[0].append(2)
            self.log.lines.append("x")
            self.counter()
            self.buffer += b"b"
            assert not self.event.is_set()
            self.event.set()
            await self.event.wait()
            await self.inbox.put(1)
            assert await self.inbox.get() == 1

    for _ in range(2):
        for node in nodes(Stateful):
            assert node.numbers == [1, 2]
            assert node.table == {"a": [1, 2]}
            assert node.unique == {1, 2}
            assert list(node.queue) == [1, 2]
            assert node.counts == {"a": 2}
            assert node.groups == {"x": [1]}
            assert node.nested == ([1, 2], {"a": {1}})
            assert node.log == Log(["x"])
            assert node.counter.calls == 1
            assert node.buffer == b"ab"
    assert Stateful.numbers == [1]
    assert Stateful.log == Log()


def test_inherited_state_is_not_shared_either() -> None:
    class Base(Algorithm):
        seen: list[str] = []  # noqa: RUF012

    class Derived(Base):
        async def on_start(self) -> None:
            self.seen.append(self.id())

    assert [node.seen for node in nodes(Derived)] == [["n1"], ["n2"]]


def test_constants_functions_and_descriptors_stay_with_the_class() -> None:
    pattern = re.compile("x")

    class Constants(Algorithm):
        LIMIT = 3
        NAMES = ("a", "b")
        KINDS = frozenset({1, 2})
        PATTERN = pattern
        logger = logging.getLogger("x")
        kind = Log
        key: ClassVar[Callable[[str], int]] = len
        half = staticmethod(functools.partial(divmod, 2))

        @property
        def size(self) -> int:
            return self.LIMIT

        @functools.cached_property
        def once(self) -> list[int]:
            return []

        @staticmethod
        def double(x: int) -> int:
            return 2 * x

        @classmethod
        def make(cls) -> str:
            return cls.__name__

    one, two = nodes(Constants)
    assert one.logger is two.logger is Constants.logger
    assert one.kind is Log
    assert one.PATTERN is pattern
    assert one.once is not two.once
    assert (one.size, one.double(2), one.make(), one.key("ab"), one.half(1)) == (3, 4, "Constants", 2, (2, 0))
    assert not {"LIMIT", "NAMES", "KINDS", "kind", "logger"} & set(vars(one))


def test_attributes_may_hide_names_of_the_framework() -> None:
    class Hiding(Algorithm):
        got: int = 0

        def __init__(self) -> None:
            self.me, size = self.id(), self.N()
            self.N = size - 1  # type: ignore[assignment,method-assign]
            self.id = "mine"  # type: ignore[assignment,method-assign]
            self.random = random.Random(1)
            self.now = 5  # type: ignore[assignment,method-assign]
            self.choice = "x"  # type: ignore[assignment,method-assign]
            self.sign = None  # type: ignore[assignment,method-assign]
            self.report = "text"  # type: ignore[assignment,method-assign]
            self.on_exit = None  # type: ignore[assignment,method-assign]
            self.others = list(self.peers.values())
            self.peers = {}
            self.community = None  # type: ignore[assignment]

        async def on_start(self) -> None:
            for peer in self.others:
                await peer.ping(1)

        @handler
        async def ping(self, src: PeerId, msg: int) -> None:
            self.got += msg
            await self.terminate()

    result = run(Hiding)
    one: Any = result.algorithms[PeerId("n1")]
    assert (one.me, one.N, one.id, one.got) == ("n1", 1, "mine", 1)
    assert result.outcome is distbench.Outcome.COMPLETED
    assert result.reports == {"n1": {}, "n2": {}}


def test_on_start_may_be_hidden_as_well() -> None:
    class Started(Algorithm):
        def __init__(self) -> None:
            self.on_start = False  # type: ignore[assignment,method-assign]

        async def on_start(self) -> None:
            self.on_start = True  # type: ignore[assignment,method-assign]

    assert [node.on_start for node in nodes(Started)] == [True, True]


def test_config_fields_may_be_called_like_methods() -> None:
    class Named(Algorithm):
        random: int = config_field(default=3)  # type: ignore[assignment]
        id: str = config_field(default="me")  # type: ignore[assignment]
        N: int = config_field(default=9)  # type: ignore[assignment]
        now: float = config_field(default=0.5)  # type: ignore[assignment]
        name: str = config_field(default="x")

    (one, _) = nodes(Named)
    assert (one.random, one.id, one.N, one.now, one.name) == (3, "me", 9, 0.5, "x")


def test_a_class_attribute_does_not_hide_the_peers() -> None:
    class Typed(Algorithm):
        peers = {}  # noqa: RUF012
        community: Any = None

        async def on_start(self) -> None:
            self.seen = list(self.peers), self.community.nodes

    assert nodes(Typed)[0].seen == (["n2"], ("n1", "n2"))


def test_algorithms_may_be_made_outside_a_run_but_not_used() -> None:
    class Alone(Algorithm):
        pass

    alone = distbench.distbench(Alone)()
    for use in (alone.id, alone.N, alone.now, lambda: alone.random, lambda: alone.sign(1), lambda: alone.choice([1])):
        with pytest.raises(distbench.DistbenchError, match="not part of a run"):
            use()
