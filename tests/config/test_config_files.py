"""Configs in YAML files and from Python: what they mean, and what they are refused for."""

from __future__ import annotations

import contextlib
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench.community import PeerId
from distbench.config import config_from_mapping, load_config
from distbench.config.model import RunConfig
from distbench.config.overrides import apply_set
from distbench.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "ring.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def neighbours(config: RunConfig) -> dict[str, list[str]]:
    return {str(node): [*block.neighbours] for node, block in config.nodes.items()}


def refusal(folder: Path, text: str | bytes) -> str:
    path = folder / "ring.yaml"
    path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_a_block_is_neighbours_reserved_keys_and_fields(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """\
        n1:
          neighbours: [n2]
          host: 10.0.0.1
          port: 8000
          role: server
          algorithm: echo
          clock: slow
          region: north
          max_rounds: 10
          broadcast:
            is_sender: true
            links: {f: 1}
        n2:
        """,
    )
    config = load_config(path)
    n1, n2 = config.nodes.values()
    assert (n1.host, n1.port, n1.role) == ("10.0.0.1", 8000, "server")
    assert (n1.algorithm, n1.clock, n1.region) == ("echo", "slow", "north")
    assert n1.fields == {"max_rounds": 10, "broadcast": {"is_sender": True, "links": {"f": 1}}}
    assert (n2.node_id, n2.neighbours, n2.fields) == ("n2", ("n1",), {})
    assert config.source == str(path)
    assert not config.generated


def test_every_key_knows_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "# rounds\nn1:\n  a: 1\n  b:\n    c: 2\n    d: {e: 3}\nn2: {}\n")
    n1, n2 = load_config(path).nodes.values()
    lines = {key: place.line for key, place in n1.places.items()}
    assert lines == {"a": 3, "b": 4, "b.c": 5, "b.d": 6, "b.d.e": 6}
    assert str(n1.where("b.c")) == f"{path}:5"
    assert (n1.where("missing").line, n2.place.line) == (2, 7)


@pytest.mark.parametrize("listed", ["[]", "", "null", "all"])
def test_no_list_or_an_empty_one_means_all_others(tmp_path: Path, listed: str) -> None:
    config = load_config(written(tmp_path, f"n1:\nn2:\n  neighbours: {listed}\nn3: {{}}\n"))
    assert neighbours(config) == {"n1": ["n2", "n3"], "n2": ["n1", "n3"], "n3": ["n1", "n2"]}


def test_none_means_nobody_and_order_is_kept(tmp_path: Path) -> None:
    config = load_config(
        written(tmp_path, "a: {neighbours: none}\nb: {neighbours: [c, a]}\nc:\n  neighbours:\n  - b\n")
    )
    assert neighbours(config) == {"a": [], "b": ["c", "a"], "c": ["b"]}


def test_names_are_kept_as_they_are_written(tmp_path: Path) -> None:
    """YAML would read a number, an octal number, false and a list of them."""
    config = load_config(written(tmp_path, "1: {neighbours: [010, 'no']}\n010: {on: 3}\nno: {neighbours: [1]}\n"))
    assert neighbours(config) == {"1": ["010", "no"], "010": ["1", "no"], "no": ["1"]}
    assert config.nodes[PeerId("010")].fields == {"on": 3}


def test_templates_are_no_nodes_and_explicit_keys_override_merged_ones(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """\
        _low: &low {speed: 1, tags: [a]}
        _template: &template
          <<: *low
          start: false
        n1:
          <<: *template
          start: true
          neighbours: none
        n2:
          neighbours: [n1]
          speed: 3
          <<: [{speed: 4, more: 5}, *template]
        """,
    )
    n1, n2 = load_config(path).nodes.values()
    assert n1.fields == {"speed": 1, "tags": ["a"], "start": True}
    assert n2.fields == {"speed": 3, "tags": ["a"], "start": False, "more": 5}
    assert n1.fields["tags"] is not n2.fields["tags"]
    assert (n1.where("speed").line, n1.where("start").line) == (1, 7)


def test_a_file_of_another_encoding_mark_loads(tmp_path: Path) -> None:
    path = tmp_path / "marked.yaml"
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_bytes("n1: {name: Zoë}\n".encode(encoding))
        assert load_config(path).nodes[PeerId("n1")].fields == {"name": "Zoë"}


def test_values_are_those_of_yaml(tmp_path: Path) -> None:
    text = "n1: {a: 1.5, b: yes, c: 2024-01-02, d: !!binary aGk=, e: !!set {x, y}, f: {1: {2: 3}}, g: '7', h: =}"
    fields = dict(load_config(written(tmp_path, text)).nodes[PeerId("n1")].fields)
    assert str(fields.pop("c")) == "2024-01-02"
    assert fields == {"a": 1.5, "b": True, "d": b"hi", "e": {"x", "y"}, "f": {1: {2: 3}}, "g": "7", "h": "="}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ": the file is empty"),
        ("# nothing\n", ": the file is empty"),
        (b"\x7fELF\x00\x01", ": a binary file"),
        (b"n1:\n  a: caf\xe9\n", ":2: not a text file: byte 0xe9 is not UTF-8"),
        (b"n1: a\x07b", ":1: not a text file"),
        ("n1: [a\nn2: {}\n", ":2: invalid YAML: "),
        ("n1:\n\tport: 1\n", ":2: invalid YAML: a tab stands here; YAML indents with spaces only, so write spaces"),
        ("n1:\n  a: 1\n  \tb: 2\n", ":3: invalid YAML: a tab stands here"),
        ("é: 1\r\nn1:\r\n\tport: 1\r\n", ":3: invalid YAML: a tab stands here"),
        ("n1:\n  a: '\t'\n  @b: 1\n", ":3: invalid YAML: while scanning for the next token found character"),
        ("- n1\n- n2\n", ":1: a config maps node ids to blocks, this is a list"),
        ("hello", ":1: a config maps node ids to blocks, this is a text"),
        ("n1: {}\n---\nn2: {}\n", ":2: a second document"),
        ("n1: {}\nn2: 5\n", ":2: node 'n2' is a number (5), not a mapping"),
        ("n1: [n2]\nn2: {}\n", ":1: node 'n1' is a list (['n2']), not a mapping"),
        ("node1:\n  neighbours: [nod2]\nnode2:\n", ":2: node1: neighbour 'nod2' is not a node; did you mean 'node2'?"),
        ("a:\n  neighbours: [zzz]\nb:\n", ":2: a: neighbour 'zzz' is not a node; there are a, b"),
        ("_t: {}\nn1:\n  neighbours: [_t]\n", ":3: n1: neighbour '_t' is not a node"),
        ("n1:\n  neighbours: [n1]\n", ":2: n1: lists itself, 'n1', as a neighbour"),
        ("n1:\n  neighbours: [n2, n2]\nn2:\n", ":2: n1: neighbour 'n2' is listed twice"),
        ("n1:\n  neighbours: n2\nn2:\n", ":2: n1: neighbours is the text 'n2', not a list; write [n2]"),
        ("n1:\n  neighbours: None\n", ":2: n1: neighbours is the text 'None', not a list; did you mean 'none'?"),
        ("n1:\n  neighbours: 2\n", ":2: n1: neighbours is the text '2', not a list; write"),
        ("n1:\n  neighbours: {n2: 1}\nn2:\n", ":2: n1: neighbours is a mapping ({'n2': 1}), not a list"),
        ("n1:\n  neighbours: [~, n2]\nn2:\n", ":2: n1: neighbour None is empty, not a node's id"),
        ("n1:\n  neighbours: [[n2]]\nn2:\n", ":2: n1: neighbour ['n2'] is a list, not a node's id"),
        ("n1: {}\nn2: {}\nn1: {}\n", ":3: 'n1' is written twice, first in line 1"),
        ("1: {}\n'1': {}\n", ":2: '1' is written twice, first in line 1"),
        ("n1:\n  a: 1\n  a: 2\n", ":3: 'a' is written twice, first in line 2"),
        ("n1:\n  child:\n    a: 1\n    a: 2\n", ":4: 'a' is written twice, first in line 3"),
        ("_t: &t {a: 1, a: 2}\nn1: {}\n", ":1: 'a' is written twice"),
        ("_template: {a: 1}\n", ": no nodes at all"),
        ("{}", ": no nodes at all"),
        ("n1:\n  port: 65536\n", ":2: n1: port 65536 is out of range; choose one from 1 to 65535"),
        ("n1:\n  port: 0\n", ":2: n1: port 0 is out of range"),
        ("n1:\n  port: -1\n", ":2: n1: port -1 is out of range"),
        (
            "n1:\n  port: '80'\n",
            ":2: n1: port '80' is a text, not a whole number from 1 to 65535; write 80 without quotes",
        ),
        ("n1:\n  port: true\n", ":2: n1: port True is true or false, not a whole number"),
        ("n1:\n  port: 8.5\n", ":2: n1: port 8.5 is a number, not a whole number"),
        ("n1:\n  host: 10.5\n", ":2: n1: host 10.5 is a number; write a text"),
        ("n1:\n  host: a b\n", ":2: n1: host 'a b' is no host name"),
        ("n1:\n  role: [a]\n", ":2: n1: role ['a'] is a list; write a text"),
        ("n1:\n  algorithm: ''\n", ":2: n1: algorithm '' is empty"),
        ("a b: {}\n", ":1: 'a b' is no node id"),
        ("'': {}\n", ":1: '' is no node id"),
        ("a/b: {}\n", ":1: 'a/b' is no node id"),
        ("n1: {}\n'@coordinator': {}\n", ":2: '@coordinator' is no node id"),
        ("'@': {}\n", ":1: '@' is no node id"),
        ("'*': {}\n", ":1: '*' is no node id"),
        ('"a\\tb": {}\n', ":1: 'a\\tb' is no node id"),
        ("~: {}\n", ":1: the key is empty; write a name"),
        ("n1: {~: 1}\n", ":1: the key is empty; write a name"),
        ("[a, b]: {}\n", ":1: ['a', 'b'] is no key; write a name"),
        ("n1: {a: {[b]: 1}}\n", ":1: ['b'] is no key"),
        (
            "n1: {a: !!python/object/apply:os.getcwd []}\n",
            ":1: the tag '!!python/object/apply:os.getcwd' is not allowed",
        ),
        ("n1: {a: !mine 3}\n", ":1: the tag '!mine' is not allowed"),
        ("n1: !!omap [a: 1]\n", ":1: the tag '!!omap' is not allowed"),
        ("n1: {a: 2024-13-40}\n", ":1: '2024-13-40' is no timestamp; put it in quotes"),
        ("n1: {a: !!int x}\n", ":1: 'x' is no int"),
        ("n1: {a: *nowhere}\n", ":1: no anchor &nowhere stands before *nowhere"),
        ("n1: &a {b: *a}\n", ":1: *a stands inside its own anchor &a"),
        ("n1: {<<: [1]}\n", ":1: '<<' merges a mapping"),
        ("n1: {<<: }\n", ":1: '<<' merges a mapping"),
        ("n1: " + "[" * 100_000, ":1: values are nested more than 100 deep"),
        ("n1: {a: " + "9" * 5000 + "}", ":1: '999"),
    ],
)
def test_bad_input_is_refused_with_file_line_and_value(tmp_path: Path, text: str | bytes, expected: str) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(expected), message
    assert "\n" not in message


@pytest.mark.slow  # it multiplies for a while
def test_a_merge_that_multiplies_without_end_is_refused(tmp_path: Path) -> None:
    wide = ", ".join(f"k{i}: 1" for i in range(3000))
    levels = [f"_{i}: &l{i} {{<<: [{', '.join([f'*l{i - 1}'] * 10)}]}}" for i in range(1, 12)]
    message = refusal(tmp_path, "\n".join([f"_0: &l0 {{{wide}}}", *levels, "n1: {<<: *l11}"]))
    assert "the anchors stand for too many values" in message


def test_a_missing_file_is_named_with_the_nearest_there_is(tmp_path: Path) -> None:
    written(tmp_path, "n1:\n")
    with pytest.raises(ConfigError, match=r"rng\.yaml: no such config file; did you mean '.*ring\.yaml'"):
        load_config(tmp_path / "rng.yaml")
    with pytest.raises(ConfigError, match=r"no such config file; did you mean '.*ring\.yaml'"):
        load_config(str(tmp_path / "ring"))
    with pytest.raises(ConfigError, match=r"no such config file; there are .*ring\.yaml"):
        load_config(tmp_path / "zzz")
    with pytest.raises(ConfigError, match=r"a folder, not a config; there are .*ring\.yaml"):
        load_config(tmp_path)
    with pytest.raises(ConfigError, match="did you mean a generator, such as 'ring:16'"):
        load_config("rings")
    with pytest.raises(ConfigError, match="no name"):
        load_config("")
    with pytest.raises(ConfigError, match="is no file name"):
        load_config("a\0b")


def test_a_mapping_means_what_the_same_yaml_means(tmp_path: Path) -> None:
    path = written(tmp_path, "_t: 1\n1: {neighbours: [n2], a: [1, {b: 2}]}\nn2:\n")
    tags = [1, {"b": 2}]
    config = config_from_mapping({"_t": 1, "1": {"neighbours": ["n2"], "a": tags}, "n2": None})
    assert config == load_config(path)
    assert config.nodes[PeerId("1")].fields["a"] is not tags
    assert config_from_mapping({"n1": {"neighbours": (2,)}, "2": {}}).nodes[PeerId("n1")].neighbours == ("2",)


def test_a_mapping_is_refused_like_a_file() -> None:
    with pytest.raises(ConfigError, match=r"^<python>: a config maps node ids to blocks; this is a list"):
        config_from_mapping([])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^here: node '1' is already defined"):
        config_from_mapping({1: {}, "1": {}}, "here")  # type: ignore[dict-item]
    with pytest.raises(ConfigError, match=r"^<python>: n1: the key 3 is a number"):
        config_from_mapping({"n1": {3: 4}})
    with pytest.raises(ConfigError, match=r"^<python>: True is no node id"):
        config_from_mapping({True: {}})  # type: ignore[dict-item]
    with pytest.raises(ConfigError, match=r"^<python>: <object> is no node id"):
        config_from_mapping({object(): {}})  # type: ignore[dict-item]
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ConfigError, match="nested more than 100 deep"):
        config_from_mapping({"n1": {"a": endless}})


def test_mentions_of_a_node_share_one_string(tmp_path: Path) -> None:
    names = [f"node{i}" for i in range(50)]
    config = load_config(
        written(tmp_path, "\n".join(f"{a}: {{neighbours: [{', '.join(set(names) - {a})}]}}" for a in names))
    )
    assert len({id(other) for node in config.nodes.values() for other in node.neighbours}) == 50


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["n1", "all", "none"])
)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS, inner, max_size=4), max_leaves=12
)
KEYS = st.sampled_from(
    ["neighbours", "host", "port", "role", "algorithm", "clock", "region", "field", "n1", "n2", "_t"]
)
BLOCKS = st.dictionaries(KEYS | SCALARS, DATA, max_size=5)


@settings(deadline=None)
@given(st.dictionaries(KEYS | SCALARS, BLOCKS | DATA, max_size=4) | DATA)
def test_any_data_gives_a_config_or_a_config_error(data: object) -> None:
    try:
        config = config_from_mapping(data)  # type: ignore[arg-type]
    except ConfigError:
        return
    assert all(other in config.nodes for node in config.nodes.values() for other in node.neighbours)


FRAGMENTS = [
    "n1",
    ": ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<",
    "!!set ",
    "? ",
    "'",
    '"',
    "|",
    "#",
    "!x ",
    "---",
    "neighbours",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=25).map("".join) | st.binary(max_size=30))
def test_any_file_gives_a_config_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(ConfigError):
        assert load_config(path).nodes


ENDLESS = [Path("/dev/zero"), Path("/dev/urandom")]


@pytest.mark.parametrize("path", [path for path in ENDLESS if path.exists()])
def test_a_config_that_never_ends_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^{path}: it is too large for a config, or never ends"):
        load_config(path)


@pytest.mark.parametrize("block", ["{}", "{neighbours: []}", "{neighbours: all}", "{neighbours: }"])
def test_links_are_counted_before_they_are_made(tmp_path: Path, block: str) -> None:
    file = tmp_path / "many.yaml"
    file.write_text("".join(f"n{number}: {block}\n" for number in range(8000)))
    with pytest.raises(ConfigError, match=r"many\.yaml:\d+: 8,000 nodes make too many links, 50,000,000 is the most"):
        load_config(file)


def test_many_nodes_with_few_links_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "many.yaml"
    file.write_text("".join(f"n{number}: {{neighbours: none}}\n" for number in range(8000)))
    config = load_config(file)
    assert len(config.nodes) == 8000
    with pytest.raises(ConfigError, match="8,000 nodes make too many links"):
        apply_set(config, ["*.neighbours=all"])
