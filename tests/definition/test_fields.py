"""Config fields: values from the config, checked against the annotation; defaults of each node's own."""

from __future__ import annotations

import enum
import logging
import random
from pathlib import Path
from typing import Any, Literal, Optional

import pytest
import yaml

import distbench
from distbench import Algorithm, ConfigError, PeerId, child_algorithm, config_field
from distbench.config import config_from_mapping


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


@distbench.distbench
class Fields(Algorithm):
    count: int = config_field(default=1)
    rate: float = config_field(default=0.5)
    flag: bool = config_field(default=False)
    name: str = config_field(default="")
    numbers: list[int] = config_field(default_factory=list)
    unique: set[str] = config_field(default_factory=set)
    pair: tuple[int, str] = config_field(default=(1, "a"))
    maybe: Optional[int] = config_field(default=None)  # noqa: UP045
    mode: Mode = config_field(default=Mode.FAST)
    kind: Literal["a", "b"] = config_field(default="a")
    leader: PeerId = config_field(default=PeerId("n1"))
    weights: dict[str, float] = config_field(default_factory=dict)
    by_number: dict[int, str] = config_field(default_factory=dict)
    nested: dict[str, list[dict[str, int]]] = config_field(default_factory=dict)
    either: int | str = config_field(default=0)
    free: Any = config_field(default=None)
    unsaid = config_field()
    thing: random.Random | None = config_field(default=None)


def values(**block: object) -> Any:
    return distbench.run(Fields, {"n1": block}).algorithms[PeerId("n1")]


GOOD: list[tuple[str, object, object]] = [
    ("count", 3, 3),
    ("rate", 2, 2.0),
    ("rate", 1e300, 1e300),
    ("flag", True, True),
    ("name", "x", "x"),
    ("numbers", [1, 2], [1, 2]),
    ("unique", ["a", "b", "a"], {"a", "b"}),
    ("pair", [2, "b"], (2, "b")),
    ("maybe", None, None),
    ("maybe", 3, 3),
    ("mode", "slow", Mode.SLOW),
    ("kind", "b", "b"),
    ("leader", "n2", "n2"),
    ("weights", {"a": 1}, {"a": 1.0}),
    ("by_number", {1: "a"}, {1: "a"}),
    ("nested", {"a": [{"b": 1}]}, {"a": [{"b": 1}]}),
    ("either", "x", "x"),
    ("free", [1, {"a": None}], [1, {"a": None}]),
    ("unsaid", {"x": 1}, {"x": 1}),
]


@pytest.mark.parametrize("name, written, read", GOOD)
def test_a_value_that_fits_is_read_as_its_annotation(name: str, written: object, read: object) -> None:
    found = getattr(values(**{name: written}), name)
    assert (found, type(found)) == (read, type(read))


BAD: list[tuple[str, object, str]] = [
    ("count", True, "must be int, not True"),
    ("count", 1.5, "must be int, not 1.5"),
    ("count", "3", "must be int, not '3'"),
    ("count", None, "must be int, not None"),
    ("rate", "fast", "must be float, not 'fast'"),
    ("rate", True, "must be float, not True"),
    ("flag", 1, "must be bool, not 1"),
    ("flag", "yes", "must be bool, not 'yes'"),
    ("name", 3, "must be str, not 3"),
    ("numbers", 3, "must be list[int], not 3"),
    ("numbers", [1, "x"], "must be list[int], not [1, 'x'] (expected int, got str)"),
    ("pair", [1], "must be tuple[int, str], not [1]"),
    ("maybe", "x", "must be int | None, not 'x'"),
    ("mode", "medium", "must be Mode, not 'medium'"),
    ("kind", "c", "must be Literal['a', 'b'], not 'c'"),
    ("leader", 3, "must be PeerId, not 3"),
    ("weights", {"a": "b"}, "must be dict[str, float], not {'a': 'b'}"),
    ("nested", {"a": [{"b": True}]}, "must be dict[str, list[dict[str, int]]]"),
    ("either", [], "must be int | str, not []"),
]


@pytest.mark.parametrize("name, written, text", BAD)
def test_a_value_that_does_not_fit_is_refused_with_its_place(
    name: str, written: object, text: str, tmp_path: Path
) -> None:
    config = tmp_path / "run.yaml"
    block = yaml.safe_dump({"n1": {name: written}}).removeprefix("n1:\n")
    config.write_text(f"n0:\n  neighbours: []\nn1:\n\n{block}")
    with pytest.raises(ConfigError) as caught:
        distbench.run(Fields, config)
    assert str(caught.value).startswith(f"{config}:5: n1.{name} ")
    assert text in str(caught.value)


@distbench.distbench
class Needs(Algorithm):
    initiator: bool = config_field(required=True)


def test_a_missing_required_field_is_refused_with_the_place_of_its_node(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("n1:\n  initiator: true\nn2:\n  rounds: 3\n")
    with pytest.raises(ConfigError, match=r"run.yaml:3: n2 lacks 'initiator' \(bool\), which Needs requires; add"):
        distbench.run(Needs, config)
    config.write_text("n1:\n  initiatr: true\n")
    with pytest.raises(ConfigError, match="did you mean 'initiatr'"):
        distbench.run(Needs, config)


@distbench.distbench
class Lower(Algorithm):
    sender: bool = config_field(default=False)
    limit: int = config_field(default=3)


@distbench.distbench
class Upper(Algorithm):
    rounds: int = config_field(default=1)
    links: Lower = child_algorithm(Lower)


def test_an_unknown_field_is_a_warning_with_a_suggestion_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("n1:\n  ronds: 3\n  links:\n    sendr: true\nn2:\n  ronds: 3\n  zzz: 1\n")
    with caplog.at_level(logging.WARNING, logger="distbench"):
        result = distbench.run(Upper, config)
    assert result.exit_status == 0
    texts = [record.getMessage() for record in caplog.records]
    assert [text.removeprefix(f"{config}:") for text in texts] == [
        "4: n1.links.sendr is no field of Lower and is ignored; did you mean 'sender'?",
        "2: n1.ronds is no field of Upper and is ignored; did you mean 'rounds'?",
        "7: n2.zzz is no field of Upper and is ignored; it has rounds, links",
    ]


@pytest.mark.parametrize("block", [3, "x", [1], True])
def test_the_block_of_a_child_is_a_mapping(block: object) -> None:
    with pytest.raises(ConfigError, match=r"n1.links is the block of a child algorithm, so it must be a mapping"):
        distbench.run(Upper, {"n1": {"links": block}})


def test_a_wrong_value_in_a_childs_block_is_named_by_its_path(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("n1:\n  links:\n    sender: true\n    limit: many\n")
    with pytest.raises(ConfigError, match=r"run.yaml:4: n1.links.limit must be int, not 'many'"):
        distbench.run(Upper, config)


# ---------------------------------------------------------------- nothing is shared


def test_defaults_and_values_belong_to_one_node() -> None:
    shared: list[int] = [1]

    @distbench.distbench
    class Own(Algorithm):
        made: list[int] = config_field(default_factory=list)
        copied: list[int] = config_field(default=shared)
        given: Any = config_field()

        async def on_start(self) -> None:
            for each in (self.made, self.copied, self.given["a"]):
                each.append(9)

    written: dict[str, Any] = {"n1": {"given": {"a": []}}, "n2": {"given": {"a": []}}}
    config = config_from_mapping(written)
    for _ in range(2):  # the config is not changed by a run either
        for node in distbench.run(Own, config).algorithms.values():
            assert isinstance(node, Own)
            assert (node.made, node.copied, node.given) == ([9], [1, 9], {"a": [9]})
    assert shared == [1]


def test_a_default_made_at_random_is_fixed_by_the_seed() -> None:
    @distbench.distbench
    class Drawn(Algorithm):
        token: float = config_field(default_factory=random.random)

    def tokens(seed: int) -> list[Any]:
        result = distbench.run(Drawn, {"n1": {}, "n2": {}}, seed=seed)
        return [getattr(node, "token") for node in result.algorithms.values()]  # noqa: B009

    assert tokens(1) == tokens(1)
    assert tokens(1) != tokens(2)
    assert tokens(1)[0] != tokens(1)[1]


def test_a_factory_runs_once_for_each_node_that_needs_it() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        return made[-1]

    @distbench.distbench
    class Counted(Algorithm):
        number: int = config_field(default_factory=make)

    result = distbench.run(Counted, {"n1": {}, "n2": {"number": 7}, "n3": {}})
    assert [getattr(node, "number") for node in result.algorithms.values()] == [0, 7, 1]  # noqa: B009


def test_a_field_with_neither_default_nor_value_is_none() -> None:
    assert values().unsaid is None
