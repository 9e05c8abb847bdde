"""Configs without a file."""

from __future__ import annotations

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench.config import config_from_mapping, load_config
from distbench.config.generators import GENERATORS, with_start_field
from distbench.config.model import RunConfig
from distbench.errors import ConfigError


def listed(text: str, seed: int = 0) -> dict[str, list[str]]:
    return {str(node): [*block.neighbours] for node, block in load_config(text, seed=seed).nodes.items()}


def graph_of(config: RunConfig) -> networkx.DiGraph[str]:
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(config.nodes)
    graph.add_edges_from((node.node_id, other) for node in config.nodes.values() for other in node.neighbours)
    return graph


@pytest.mark.parametrize(
    "text, expected",
    [
        ("ring:3", {"n1": ["n2"], "n2": ["n3"], "n3": ["n1"]}),
        ("ring:3,both", {"n1": ["n2", "n3"], "n2": ["n3", "n1"], "n3": ["n1", "n2"]}),
        ("ring:2,both", {"n1": ["n2"], "n2": ["n1"]}),
        ("ring:1", {"n1": []}),
        ("line:3", {"n1": ["n2"], "n2": ["n1", "n3"], "n3": ["n2"]}),
        ("star:3", {"n1": ["n2", "n3"], "n2": ["n1"], "n3": ["n1"]}),
        ("complete:3", {"n1": ["n2", "n3"], "n2": ["n1", "n3"], "n3": ["n1", "n2"]}),
        (
            "grid:2x3",
            {
                "n1": ["n2", "n4"],
                "n2": ["n1", "n3", "n5"],
                "n3": ["n2", "n6"],
                "n4": ["n1", "n5"],
                "n5": ["n2", "n4", "n6"],
                "n6": ["n3", "n5"],
            },
        ),
        ("tree:5", {"n1": ["n2", "n3"], "n2": ["n1", "n4", "n5"], "n3": ["n1"], "n4": ["n2"], "n5": ["n2"]}),
        ("random-regular:n=2,d=1", {"n1": ["n2"], "n2": ["n1"]}),
        ("random-regular:n=1,d=0", {"n1": []}),
        ("erdos-renyi:n=1,p=0", {"n1": []}),
        ("erdos-renyi:p=1,n=3", {"n1": ["n2", "n3"], "n2": ["n1", "n3"], "n3": ["n1", "n2"]}),
    ],
)
def test_a_generator_lists_neighbours_in_order(text: str, expected: dict[str, list[str]]) -> None:
    assert listed(text) == expected


@pytest.mark.parametrize("name", GENERATORS)
def test_every_example_makes_a_connected_config_that_says_where_it_comes_from(name: str) -> None:
    text = GENERATORS[name].example
    config = load_config(text)
    assert networkx.is_strongly_connected(graph_of(config))
    assert config.generated
    assert {str(node.place) for node in config.nodes.values()} == {config.source} == {text}


@pytest.mark.parametrize("degree", [2, 3, 4, 9, 11, 12, 15, 18, 19])
def test_random_regular_graphs_are_regular_connected_and_drawn_from_the_seed(degree: int) -> None:
    text = f"random-regular:n=20,d={degree}"
    for seed in range(5):
        config = load_config(text, seed=seed)
        graph = graph_of(config)
        assert {len(set(node.neighbours)) for node in config.nodes.values()} == {degree}
        assert networkx.is_strongly_connected(graph)
        assert all(graph.has_edge(b, a) for a, b in graph.edges)
        assert load_config(text, seed=seed) == config
    assert degree == 19 or load_config(text, seed=1) != load_config(text, seed=2)


def test_erdos_renyi_graphs_are_connected_and_drawn_from_the_seed() -> None:
    for seed in range(20):
        config = load_config("erdos-renyi:n=30,p=0.1", seed=seed)
        assert networkx.is_strongly_connected(graph_of(config))
        assert load_config("erdos-renyi:n=30,p=0.1", seed=seed) == config
    assert listed("erdos-renyi:n=30,p=0.1", 1) != listed("erdos-renyi:n=30,p=0.1", 2)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("ring:0", "0 nodes are too few, one is the least. Write ring:N or ring:N,both, for instance ring:16"),
        ("ring:x", "'x' is not a whole number"),
        ("ring:-3", "'-3' is negative"),
        ("random-regular:n=8,d=-1", "'-1' is negative"),
        ("random-regular:n=2,d=2", "a node of 2 has at most 1 neighbour, not 2"),
        ("random-regular:n=5,d=1", "5 nodes with 1 neighbour each cannot be"),
        ("ring:٣", "'٣' is not a whole number"),
        ("ring:", "it needs a number of nodes"),
        ("ring", "'ring' needs a size; write ring:N"),
        ("ring:5,bth", "it takes no 'bth'; did you mean 'both'?"),
        ("line:5,both", "it takes no 'both'"),
        ("ring:n=5", "it takes no 'n'"),
        ("ring:2000000", "is too large, 1000000 is the most"),
        ("ring:" + "9" * 5000, "is too large, 1000000 is the most"),
        ("complete:100000", "too many links"),
        ("wheel:5", "no topology 'wheel'; there are ring, line, star, complete"),
        ("rign:5", "no topology 'rign'; did you mean 'ring'?"),
        ("Ring:5", "no topology 'Ring'; did you mean 'ring'?"),
        ("grid:16", "it needs rows and columns. Write grid:ROWSxCOLUMNS, for instance grid:4x4"),
        ("grid:4x0", "0 nodes are too few"),
        ("grid:4xx4", "it needs rows and columns"),
        ("grid:4000x4000", "is too large"),
        ("random-regular:n=5,d=7", "a node of 5 has at most 4 neighbours, not 7"),
        ("random-regular:n=5,d=3", "one of the numbers must be even"),
        ("random-regular:n=8,d=1", "8 nodes with 1 neighbour each are not connected; d=2 is the least"),
        ("random-regular:n=8,d=0", "are not connected; d=2 is the least"),
        ("random-regular:n=8", "d is missing"),
        ("random-regular:n=8,d=", "d is missing"),
        ("random-regular:n=8,n=9,d=2", "a value is given twice"),
        ("random-regular:8,4", "'8' is no 'key=value'"),
        ("random-regular:n=8,k=4", "it takes no 'k'"),
        ("random-regular:n=100000,d=1000", "too many links"),
        ("erdos-renyi:n=50,p=1.5", "p='1.5' is not a probability from 0 to 1"),
        ("erdos-renyi:n=50,p=nan", "p='nan' is not a probability from 0 to 1"),
        ("erdos-renyi:n=50,p=x", "p='x' is not a probability from 0 to 1"),
        ("erdos-renyi:n=50,p=0.01", "a graph that thin is not connected; choose p above 0.078 or so"),
        ("erdos-renyi:n=2,p=0.000001", "was connected; choose p above"),
    ],
)
def test_a_wrong_request_is_refused_with_what_to_write(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(text)
    assert expected in str(caught.value)


@settings(deadline=None)
@given(st.sampled_from([*GENERATORS]), st.text(alphabet="0123456789,=xnpd.-bothe", max_size=8))
def test_any_request_makes_a_config_or_a_config_error(name: str, rest: str) -> None:
    short = ",".join(part if len(part) < 5 else part[:4] for part in rest.split(","))
    try:
        config = load_config(f"{name}:{short}")
    except ConfigError:
        return
    assert config.nodes


def test_the_first_node_of_a_generated_config_starts() -> None:
    config, name = with_start_field(load_config("ring:3"), {"is_sender", "initiator", "verbose"})
    assert name == "initiator"
    assert [dict(node.fields) for node in config.nodes.values()] == [{"initiator": True}, {}, {}]
    assert [*config.nodes] == ["n1", "n2", "n3"]


def test_no_node_is_told_to_start_without_a_field_or_against_the_config() -> None:
    ring = load_config("ring:3")
    assert with_start_field(ring, {"verbose"}) == (ring, None)
    started, _ = with_start_field(ring, ["initiator"])
    assert with_start_field(started, ["initiator"]) == (started, None)
    own = config_from_mapping({"n1": {}})
    assert with_start_field(own, ["initiator"]) == (own, None)
