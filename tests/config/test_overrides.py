"""--set and --assign."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench.community import PeerId
from distbench.config import config_from_mapping, load_config
from distbench.config.model import RunConfig
from distbench.config.overrides import SetKey, apply_assign, apply_set, assign_keys, set_keys
from distbench.errors import ConfigError


@pytest.fixture
def config() -> RunConfig:
    return config_from_mapping(
        {
            "n1": {"neighbours": ["n2"], "max_rounds": 5, "broadcast": {"is_sender": True, "links": {"f": 1}}},
            "n2": {"neighbours": "none", "port": 8000},
            "10.0.0.1": None,
        }
    )


def fields(config: RunConfig, node: str) -> dict[str, object]:
    return dict(config.nodes[PeerId(node)].fields)


def test_a_value_is_set_on_one_node_or_on_all(config: RunConfig) -> None:
    changed = apply_set(
        config, ["n1.initiator=true", "*.max_rounds=3", "10.0.0.1.max_rounds = 7", "*.tags=[a, {b: 1}]"]
    )
    assert fields(changed, "n1") | {"broadcast": 0} == {
        "max_rounds": 3,
        "broadcast": 0,
        "initiator": True,
        "tags": ["a", {"b": 1}],
    }
    assert fields(changed, "10.0.0.1") == {"max_rounds": 7, "tags": ["a", {"b": 1}]}
    assert fields(changed, "n1")["tags"] is not fields(changed, "n2")["tags"]
    assert fields(config, "n1")["max_rounds"] == 5


def test_a_nested_value_leaves_the_rest_of_its_block(config: RunConfig) -> None:
    changed = apply_set(config, ["*.broadcast.is_sender=false", "n1.broadcast.links.f=2"])
    assert fields(changed, "n1")["broadcast"] == {"is_sender": False, "links": {"f": 2}}
    assert fields(changed, "n2")["broadcast"] == {"is_sender": False}
    assert fields(config, "n1")["broadcast"] == {"is_sender": True, "links": {"f": 1}}


def test_a_value_that_was_set_names_the_option_as_its_place(config: RunConfig) -> None:
    node = apply_set(config, ["n1.broadcast={is_sender: 3}"]).nodes[PeerId("n1")]
    assert str(node.where("broadcast.is_sender")) == "--set n1.broadcast={is_sender: 3}"
    assert str(node.where("max_rounds")) == "<python>"


def test_reserved_keys_are_checked_as_in_a_file(config: RunConfig) -> None:
    changed = apply_set(config, ["n2.neighbours=[10.0.0.1, n1]", "*.port=9000", "n1.host=a", "n1.neighbours=none"])
    n1, n2, _ = changed.nodes.values()
    assert (n1.neighbours, n2.neighbours) == ((), ("10.0.0.1", "n1"))
    assert (n1.host, n1.port, n2.port) == ("a", 9000, 9000)
    assert apply_set(config, ["n2.neighbours="]).nodes[PeerId("n2")].neighbours == ("n1", "10.0.0.1")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("n1.initiator", "--set 'n1.initiator' cannot be read; write NODE.FIELD=VALUE"),
        ("n1=true", "cannot be read"),
        ("=true", "cannot be read"),
        (".a=true", "cannot be read"),
        ("n1..a=true", "cannot be read"),
        ("n1.a.=true", "cannot be read"),
        (
            "m1.initiator=true",
            "--set m1.initiator=true: no node 'm1'; did you mean 'n1'? There are n1, n2, 10",
        ),
        ("zz.a=1", "no node 'zz'; there are n1, n2, 10.0.0.1, and * for all"),
        ("n1.max_rounds.deep=1", "n1.max_rounds is a number (5), not a block of fields"),
        ("n1.neighbours=[n9]", "--set n1.neighbours=[n9]: n1: neighbour 'n9' is not a node; did you mean 'n2'?"),
        ("n1.neighbours.a=1", "'neighbours' has no fields inside"),
        ("*.port=0", "--set *.port=0: n1: port 0 is out of range"),
        ("n1.a=[1", "--set n1.a=[1: invalid YAML"),
        ("n1.a={b: 1, b: 2}", "'b' is written twice"),
        ("n1.a=!!python/name:os.system x", "is not allowed here"),
        ("n1.a=\udc80", "YAML forbids"),
        ("n1.a=\0", "YAML forbids"),
    ],
)
def test_a_wrong_set_is_refused_with_its_text(config: RunConfig, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply_set(config, [text])
    assert expected in str(caught.value)


def test_keys_of_sets_are_known_without_their_values(config: RunConfig) -> None:
    texts = ["*.broadcast.is_sender=x", "10.0.0.1.port=1"]
    assert set_keys(texts, config) == [
        SetKey("*", "broadcast.is_sender", texts[0]),
        SetKey("10.0.0.1", "port", texts[1]),
    ]
    assert [key.reserved for key in set_keys(texts, config)] == [False, True]
    assert set_keys(["n1.a=1"]) == [SetKey("n1", "a", "n1.a=1")]
    assert assign_keys(["a.b=shuffled"]) == ["a.b"]


def numbers(config: RunConfig) -> list[object]:
    return [node.fields["node_id"] for node in config.nodes.values()]


def test_assign_gives_distinct_numbers_in_the_order_asked_for() -> None:
    ring = load_config("ring:20")
    assert numbers(apply_assign(ring, ["node_id=ascending"])) == [*range(1, 21)]
    assert numbers(apply_assign(ring, ["node_id=descending"])) == [*range(20, 0, -1)]
    shuffled = apply_assign(ring, ["node_id=shuffled"], seed=3)
    assert sorted(map(int, map(str, numbers(shuffled)))) == [*range(1, 21)]
    assert shuffled == apply_assign(ring, ["node_id=shuffled"], seed=3)
    assert shuffled != apply_assign(ring, ["node_id=shuffled"], seed=4)
    assert str(shuffled.nodes[PeerId("n1")].where("node_id")) == "--assign node_id=shuffled"


def test_two_fields_are_shuffled_apart() -> None:
    config = apply_assign(load_config("ring:20"), ["a=shuffled", "b.c=shuffled"])
    a, b = zip(*((node.fields["a"], node.fields["b"]) for node in config.nodes.values()), strict=True)
    assert [{"c": number} for number in a] != [*b]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("node_id", "--assign 'node_id' cannot be read; write FIELD=ORDER"),
        ("=shuffled", "cannot be read"),
        ("node_id=shufled", "no order 'shufled'; did you mean 'shuffled'?"),
        ("node_id=9", "no order '9'; choose one of shuffled, ascending, descending"),
        ("port=shuffled", "'port' is a key of distbench"),
    ],
)
def test_a_wrong_assign_is_refused_with_its_text(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply_assign(load_config("ring:3"), [text])
    assert expected in str(caught.value)


@settings(deadline=None)
@given(
    st.text(max_size=12) | st.text(max_size=8).map("n1.a={}".format) | st.text(max_size=8).map("*.neighbours={}".format)
)
def test_any_text_changes_the_config_or_is_refused(text: str) -> None:
    try:
        changed = apply_set(load_config("ring:3"), [text])
    except ConfigError:
        return
    assert [*changed.nodes] == ["n1", "n2", "n3"]


@pytest.mark.parametrize(
    "text, node, path",
    [("n1.a.x=1", "n1.a", "x"), ("n1.x=1", "n1", "x"), ("n1.ab.x=1", "n1", "ab.x"), ("n1.a.b.x=1", "n1.a.b", "x")],
)
def test_of_several_nodes_that_fit_the_longest_is_meant(text: str, node: str, path: str) -> None:
    config = config_from_mapping({"n1": {}, "n1.a": {}, "n1.a.b": {}, "n2": {}})
    (key,) = set_keys([text], config)
    assert (key.nodes, key.path) == (node, path)
    changed = {one: block.fields for one, block in apply_set(config, [text]).nodes.items() if block.fields}
    assert list(changed) == [node]
