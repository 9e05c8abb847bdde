"""Configs written out and drawn."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench.config import config_from_mapping, load_config
from distbench.config.drawing import draw
from distbench.config.generators import GENERATORS
from distbench.config.model import RESERVED, RunConfig
from distbench.config.rendering import render_yaml
from distbench.errors import ConfigError

HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None


def loaded_back(folder: Path, config: RunConfig) -> RunConfig:
    path = folder / "written.yaml"
    path.write_text(render_yaml(config), encoding="utf-8")
    return load_config(path)


@pytest.mark.parametrize("text", [generator.example for generator in GENERATORS.values()] + ["ring:1", "complete:30"])
def test_a_generated_config_loads_back_equal(tmp_path: Path, text: str) -> None:
    config = load_config(text)
    again = loaded_back(tmp_path, config)
    assert again == config
    assert [*again.nodes] == [*config.nodes]
    assert render_yaml(config).startswith(f"# {text}\nn1:\n")


def test_what_is_written_is_as_a_person_would_write_it() -> None:
    config = config_from_mapping(
        {"n1": {"a": [1, 2], "child": {"b": True}, "neighbours": ["2"]}, "2": {"neighbours": "none"}}
    )
    assert render_yaml(config) == (
        "n1:\n  neighbours: ['2']\n  a: [1, 2]\n  child: {b: true}\n'2':\n  neighbours: none\n"
    )


def test_all_others_are_not_listed_one_by_one() -> None:
    assert render_yaml(load_config("complete:100")).count("\n") == 201


NAMES = st.text(max_size=6).filter(
    lambda name: name.isprintable() and not set(name) & set(" /") and name[:1] not in ("", "_", "@") and name != "*"
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.binary(max_size=5)
    | st.text(max_size=8) | st.dates() | st.datetimes()
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.text(min_size=1, max_size=5).filter(lambda name: name not in RESERVED), VALUES, max_size=3)


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    ids = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    data: dict[str, object] = {}
    for name in ids:
        others = [other for other in ids if other != name]
        listed = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
        block: dict[str, object] = {**draw(FIELDS), "neighbours": listed or draw(st.sampled_from(["none", "all"]))}
        if draw(st.booleans()):
            block |= {"host": "10.0.0.1", "port": draw(st.integers(1, 65535)), "role": draw(st.text(min_size=1))}
        data[name] = block
    return config_from_mapping(data)


@settings(deadline=None)
@given(configs())
def test_any_config_loads_back_equal(tmp_path_factory: pytest.TempPathFactory, config: RunConfig) -> None:
    again = loaded_back(tmp_path_factory.getbasetemp(), config)
    assert again == config
    assert [*again.nodes] == [*config.nodes]


def test_a_value_that_yaml_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="<python>: cannot be written as YAML"):
        render_yaml(config_from_mapping({"n1": {"a": object()}}))


@pytest.mark.parametrize("name", ["ring.jpg", "ring", "ring.svg.txt"])
def test_a_picture_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"name it \.svg or \.png"):
        draw(load_config("ring:3"), tmp_path / name)


def test_drawing_without_matplotlib_says_what_to_install(tmp_path: Path) -> None:
    """In a process of its own, with a module in matplotlib's place that cannot be imported."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError('no matplotlib here')", encoding="utf-8")
    code = "from distbench.config import drawing, load_config; drawing.draw(load_config('ring:3'), 'r.svg')"
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ConfigError: drawing needs matplotlib, the extra 'plots': pip install 'distbench[plots]'" in done.stderr
    assert not Path("r.svg").exists()


@pytest.mark.skipif(not HAS_MATPLOTLIB, reason="matplotlib is the extra 'plots'")
@pytest.mark.parametrize("text", ["ring:5", "grid:3x3", "complete:4", "ring:1"])
def test_a_picture_is_the_same_every_time(tmp_path: Path, text: str) -> None:
    for name in ("a.svg", "b.svg", "c.png"):
        draw(load_config(text), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not HAS_MATPLOTLIB, reason="matplotlib is the extra 'plots'")
@pytest.mark.parametrize(
    "text",
    ["line:2", "ring:2", "complete:2", "star:2", "tree:2", "ring:1", pytest.param("line:200", marks=pytest.mark.slow)],
)
def test_a_picture_shows_every_node(tmp_path: Path, text: str) -> None:
    draw(load_config(text), tmp_path / "graph.png")
    draw(load_config(text), tmp_path / "graph.svg")
    pixels = import_module("matplotlib.image").imread(tmp_path / "graph.png")
    assert (pixels[..., :3].min(axis=2) < 1).mean() > 0.02
    assert (tmp_path / "graph.svg").read_text().count("stroke: #33536e") == len(load_config(text).nodes)


@pytest.mark.skipif(not HAS_MATPLOTLIB, reason="matplotlib is the extra 'plots'")
def test_a_picture_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        draw(load_config("ring:3"), tmp_path / "missing" / "ring.svg")
