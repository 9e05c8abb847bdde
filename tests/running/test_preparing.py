"""A plan: what is read once for all seeds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench import Algorithm, ConfigError, PeerId, child_algorithm, config_field
from distbench.config.generators import GENERATORS
from distbench.running.options import RunOptions
from distbench.running.preparing import Plan

N1 = PeerId("n1")


@distbench.distbench
class Links(Algorithm):
    """A layer to be chosen."""

    loss: float = config_field(default=0.0)


@distbench.distbench
class OtherLinks(Links):
    """The other choice."""

    window: int = config_field(default=8)


@distbench.distbench
class Upper(Algorithm):
    """An algorithm with a field of every kind and a child."""

    rounds: int = config_field(default=3)
    initiator: bool = config_field(default=False)
    weights: dict[str, int] = config_field(default_factory=dict)
    links: Links = child_algorithm(Links)

    async def on_start(self) -> None:
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"rounds": self.rounds, "initiator": self.initiator, "weights": self.weights, "loss": self.links.loss}


def reports(*settings: str, config: str = "ring:3") -> list[dict[str, object]]:
    """What the nodes say of their fields."""
    result = distbench.run(Upper, config, set=settings)
    assert result.exit_status == 0
    return list(result.reports.values())


def test_a_generated_configs_first_node_starts_and_python_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "distbench.run")
    assert [report["initiator"] for report in reports()] == [True, False, False]
    assert "n1.initiator=true" in caplog.text


def test_who_is_set_to_start_starts_instead() -> None:
    assert [report["initiator"] for report in reports("n2.initiator=true")] == [False, True, False]
    assert [report["initiator"] for report in reports("*.initiator=false")] == [False, False, False]


def test_a_setting_reaches_one_node_all_nodes_a_child_and_a_mapping() -> None:
    first, second, third = reports("*.rounds=7", "n2.rounds=8", "n3.links.loss=0.5", "n1.weights.a=2")
    assert [report["rounds"] for report in (first, second, third)] == [7, 8, 7]
    assert [report["loss"] for report in (first, second, third)] == [0.0, 0.0, 0.5]
    assert [report["weights"] for report in (first, second, third)] == [{"a": 2}, {}, {}]


def test_a_child_may_be_chosen_and_then_has_its_own_fields(tmp_path: Path) -> None:
    path = tmp_path / "many_links.py"
    path.write_text("""
from distbench import Algorithm, child_algorithm, config_field, distbench

@distbench
class Links(Algorithm):
    loss: float = config_field(default=0.0)

@distbench
class Windowed(Links):
    window: int = config_field(default=8)

@distbench
class Top(Algorithm):
    links: Links = child_algorithm(Links)

    async def on_start(self):
        await self.terminate()

    async def report(self):
        return {"window": getattr(self.links, "window", None)}
""")
    top = f"{path}:Top"
    chosen = f"*.links.algorithm={path}:Windowed"
    result = distbench.run(top, "ring:2", set=[chosen, "n1.links.window=3"])
    assert [report["window"] for report in result.reports.values()] == [3, 8]
    with pytest.raises(ConfigError, match=r"--set n1\.links\.window=3: Links has no field 'window'"):
        distbench.run(top, "ring:2", set="n1.links.window=3")


@pytest.mark.parametrize(
    "setting, wanted",
    [
        ("n9.rounds=1", "no node 'n9'; did you mean 'n"),
        ("n1.round=1", "--set n1.round=1: Upper has no field 'round'; did you mean 'rounds'?"),
        ("*.round=1", "--set *.round=1: Upper has no field 'round'; did you mean 'rounds'?"),
        ("n1.links.lost=1", "--set n1.links.lost=1: Links has no field 'lost'; did you mean 'loss'?"),
        ("n1.link.loss=1", "Upper has no field 'link'; did you mean 'links'?"),
        ("n1.rounds=many", "--set n1.rounds=many: n1.rounds must be int, not 'many'"),
        ("n1.initiator=7", "n1.initiator must be bool, not 7"),
        ("n1.links.loss=[1]", "n1.links.loss must be float"),
        ("n1.rounds", "cannot be read; write NODE.FIELD=VALUE"),
        ("n1.port=0", "out of range"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(setting: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        distbench.run(Upper, "ring:3", set=setting)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["1", "true", "1.5"])
def test_a_number_where_a_text_belongs_is_refused_with_the_way_to_write_it(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        distbench.run("echo", "ring:3", set=f"n1.content={value}")
    assert str(caught.value).endswith(f"; for the text {value} write '\"{value}\"'")
    assert distbench.run("echo", "ring:3", set=f'n1.content="{value}"').exit_status == 0
    file = tmp_path / "made.yaml"
    file.write_text(f"n1: {{content: {value}}}\n")
    with pytest.raises(ConfigError) as caught:
        distbench.run("echo", file)
    assert str(caught.value).endswith(f'; for the text {value} write "{value}"')
    with pytest.raises(ConfigError) as caught:
        distbench.run("echo", "ring:3", assign="content=shuffled")
    assert "; for the text" not in str(caught.value)


@pytest.mark.parametrize(
    "assignment, wanted",
    [
        ("round=shuffled", "--assign round=shuffled: Upper has no field 'round'; did you mean 'rounds'?"),
        ("rounds=shufled", "did you mean 'shuffled'?"),
        ("initiator=ascending", "n1.initiator must be bool, not 1"),
        ("rounds", "cannot be read; write FIELD=ORDER"),
    ],
)
def test_an_assignment_that_does_not_fit_is_refused(assignment: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        distbench.run(Upper, "ring:3", assign=assignment)
    assert wanted in str(caught.value)


def numbers(seed: int, assignments: Sequence[str] = ("rounds=shuffled",)) -> list[object]:
    plan = Plan(Upper, "ring:9", RunOptions(), assignments=assignments)
    return [node.fields["rounds"] for node in plan.config(seed).nodes.values()]


def test_a_shuffled_assignment_is_drawn_for_each_seed() -> None:
    assert numbers(1) == numbers(1)
    assert numbers(1) != numbers(2)
    assert sorted(map(str, numbers(2))) == list("123456789")
    assert numbers(1, ["rounds=descending"]) == numbers(2, ["rounds=descending"]) == [9, 8, 7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_topology_is_read_once_unless_its_seed_draws_it(generator: str) -> None:
    example = GENERATORS[generator].example
    plan = Plan(Upper, example, RunOptions())
    drawn = {seed: [node.neighbours for node in plan.config(seed).nodes.values()] for seed in range(2)}
    assert (plan.config(0) is plan.config(1)) is (drawn[0] == drawn[1])
    for seed in range(2):
        assert plan.config(seed) == Plan(Upper, example, RunOptions(seed=seed)).config(seed)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"seed": "x"}, "seed 'x' cannot be used: it must be a number, at least 0"),
    ({"seed": -1}, "seed -1 cannot be used"),
    ({"seed": True}, "seed True cannot be used"),
    ({"timeout": -1}, "timeout -1 cannot be used: it must be a number, more than 0"),
    ({"timeout": float("nan")}, "timeout nan cannot be used"),
    ({"duration": "1"}, "duration '1' cannot be used"),
    ({"startup_delay": -0.5}, "startup_delay -0.5 cannot be used"),
    ({"max_events": 0}, "max_events 0 cannot be used"),
    ({"link_room": 0}, "link_room 0 cannot be used: it must be a number, at least 1, or 'none'"),
    ({"latency": (1, 2)}, "latency (1, 2) is not a range of milliseconds; write for instance '10-50'"),
    ({"seeds": 5}, "seeds 5 cannot be used: write for instance range(5)"),
    ({"seeds": "0-9"}, "seeds '0-9' cannot be used"),
    ({"seeds": [0, 1.5]}, "seed 1.5 cannot be used"),
    ({"seeds": [-1]}, "seed -1 cannot be used"),
    ({"set": {"n1.rounds": 3}}, "set takes texts such as 'n1.initiator=true', not {'n1.rounds': 3}"),
    ({"assign": 3}, "assign takes texts such as 'node_id=shuffled', not 3"),
    ({"config": None}, "a config is a path, a generator such as 'ring:16', or a mapping of nodes, not NoneType"),
    ({"config": []}, "not list"),
    ({"format": "xml"}, "format 'xml' is not known"),
]


@pytest.mark.parametrize("given, wanted", WRONG, ids=[wanted for _, wanted in WRONG])
def test_what_no_run_can_have_is_refused_from_python_too(given: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        distbench.run(Upper, **{"config": "ring:3", **given})
    assert wanted in str(caught.value)
