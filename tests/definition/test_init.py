"""Every way to write ``__init__``, and what can be read inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import distbench
from distbench import Algorithm, Community, End, Outcome, Peer, PeerId, child_algorithm, config_field, handler

CONFIG: dict[str, dict[str, Any]] = {"n1": {"rounds": 4, "other": [1]}, "n2": {}}


class Base(Algorithm):
    rounds: int = config_field(default=3)
    name: str = config_field(default="x")

    @handler
    async def ping(self, src: PeerId, msg: int) -> None: ...


def first(cls: type[Algorithm]) -> Any:
    marked = cls if "__distbench__" in vars(cls) else distbench.distbench(cls)
    result = distbench.run(marked, CONFIG)
    assert result.failures == ()
    return result.algorithms[PeerId("n1")]


def test_without_one() -> None:
    assert first(type("Plain", (Base,), {})).rounds == 4


def test_with_config_and_peers() -> None:
    class Guided(Base):
        def __init__(self, config: dict[str, Any], peers: dict[PeerId, Peer]) -> None:
            super().__init__()
            self.given = config
            self.others = list(peers)

    made = first(Guided)
    assert made.given == {"rounds": 4, "other": [1], "name": "x"}
    assert made.others == ["n2"]


def test_config_and_peers_are_known_by_place_whatever_their_name() -> None:
    class Short(Base):
        def __init__(self, cfg: Mapping[str, Any], p: Mapping[PeerId, Peer]) -> None:
            super().__init__(cfg, p)
            self.given = (cfg["rounds"], list(p))

    class One(Base):
        def __init__(self, settings: Mapping[str, Any]) -> None:
            self.given = settings["rounds"]

    class Mixed(Base):
        def __init__(self, settings: Mapping[str, Any], peers: Any, /, community: Community) -> None:
            self.given = (settings["rounds"], list(peers), community.nodes)

    assert first(Short).given == (4, ["n2"])
    assert first(One).given == 4
    assert first(Mixed).given == (4, ["n2"], ("n1", "n2"))


def test_parameters_are_known_by_name_in_any_order() -> None:
    class Turned(Base):
        def __init__(self, peers: Any, config: Any) -> None:
            self.given = (list(peers), config["rounds"])

    class Fields(Base):
        def __init__(self, rounds: int, name: str = "default", *, peers: Any, extra: int = 7) -> None:
            self.given = (rounds, name, list(peers), extra)

    class Later(Base):
        def __init__(self, verbose: bool = False, rounds: int = 0) -> None:
            self.given = (verbose, rounds)

    class Named(Base):
        def __init__(self, *, config: Any, community: Community) -> None:
            self.given = (config["name"], community.neighbours)

    class OnlyPeers(Base):
        def __init__(self, peers: Any) -> None:
            self.given = list(peers)

    assert first(Turned).given == (["n2"], 4)
    assert first(Fields).given == (4, "x", ["n2"], 7)
    assert first(Later).given == (False, 4)
    assert first(Named).given == ("x", ("n2",))
    assert first(OnlyPeers).given == ["n2"]


def test_one_that_passes_all_on_gets_what_the_next_one_takes() -> None:
    class Inner(Base):
        def __init__(self, config: Any, peers: Any) -> None:
            super().__init__(config, peers)
            self.given = config["rounds"]

    class Passing(Inner):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.passed = True

    class ToTheTop(Base):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.passed = True

    assert (first(Passing).given, first(Passing).passed) == (4, True)
    assert first(ToTheTop).passed


def test_an_inherited_one_is_used() -> None:
    class Inner(Base):
        def __init__(self, rounds: int) -> None:
            self.double = rounds * 2

    class Outer(Inner):
        pass

    assert first(Outer).double == 8


def test_a_dataclass_may_make_it() -> None:
    @dataclass
    class Data(Base):
        rounds: int = config_field(default=3)
        seen: int = 0

    assert (first(Data).rounds, first(Data).seen) == (4, 0)


def test_everything_can_be_read_inside() -> None:
    @distbench.distbench
    class Lower(Base):
        def __init__(self) -> None:
            self.parent_inside = self._parent

    @distbench.distbench
    class Upper(Base):
        links: Lower = child_algorithm(Lower)
        heard: list[int] = []  # noqa: RUF012 - every node gets its own

        def __init__(self) -> None:
            self.inside = (self.rounds, self.id(), self.N(), list(self.peers), self.community.order, self.links.rounds)
            self.heard.append(1)
            self.drawn = self.random.random()
            self.began = self.now()

    made = first(Upper)
    assert made.inside == (4, "n1", 2, ["n2"], ("n1", "n2"), 3)
    assert made.links.parent_inside is made
    assert made.heard == [1]
    assert made.began == 0.0
    assert made.drawn == first(Upper).drawn


def test_without_calling_super_it_works_as_well() -> None:
    class Alone(Base):
        def __init__(self, config: Any, peers: Any) -> None:
            self.x = 1

    assert first(Alone).x == 1


def test_the_config_that_it_gets_is_its_own() -> None:
    class Greedy(Base):
        def __init__(self, config: Any, peers: Any) -> None:
            config["other"].append(9) if "other" in config else None
            config.clear()

    for _ in range(2):
        assert first(Greedy).rounds == 4
    assert CONFIG["n1"]["other"] == [1]


def test_one_that_raises_fails_its_node_only() -> None:
    @distbench.distbench
    class Raising(Base):
        def __init__(self) -> None:
            if self.id() == "n2":
                raise ValueError("no luck")

        async def on_start(self) -> None:
            await self.terminate()

    result = distbench.run(Raising, CONFIG)
    assert (result.ended, result.exit_status) == (Outcome.COMPLETED, 1)
    assert [(f.node, f.handler, f.exception) for f in result.failures] == [("n2", "__init__", "ValueError: no luck")]
    assert result.nodes[PeerId("n2")].end is End.CRASHED
