"""A picture of who neighbours whom."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from distbench.community import PeerId
from distbench.config.layout import lay_out
from distbench.config.model import RunConfig
from distbench.errors import ConfigError
from distbench.writing import write_whole

_SUFFIXES: Final = (".svg", ".png")
_HIGH: Final = 0.3
"""Inches; a node is as wide as its name needs, but not narrower than high."""
_MARGIN: Final = 0.25
_LARGEST: Final = 40.0
"""Inches; what would be larger is drawn smaller as a whole."""
_FONT: Final = 8.0
_LINE: Final = "#888888"


def draw(config: RunConfig, path: str | Path) -> None:
    """Draw the topology into ``path``, as SVG or PNG by its suffix: a line where both list each other, else an arrow.

    One config gives one picture. Raises ConfigError for another suffix, for a place that cannot be written, and
    where matplotlib is missing.
    """
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"{path}: cannot draw a {target.suffix or 'file without suffix'}; name it .svg or .png")
    try:
        matplotlib, figures = import_module("matplotlib"), import_module("matplotlib.figure")
    except ImportError as error:
        raise ConfigError("drawing needs matplotlib, the extra 'plots': pip install 'distbench[plots]'") from error
    widths = {node: _width(node) for node in config.nodes}
    widest = max(widths.values())
    at = lay_out(config, widest, _HIGH)
    xs, ys = zip(*at.values(), strict=True)
    left, right = min(xs) - widest / 2 - _MARGIN, max(xs) + widest / 2 + _MARGIN
    low, high = min(ys) - _HIGH / 2 - _MARGIN, max(ys) + _HIGH / 2 + _MARGIN
    scale = min(1.0, _LARGEST / max(right - left, high - low))
    figure = figures.Figure(figsize=((right - left) * scale, (high - low) * scale))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(low, high))
    axes.set_axis_off()
    _draw_links(axes, config, at, _draw_nodes(axes, at, widths, scale), scale)
    drawn, kind = io.BytesIO(), target.suffix.lower().removeprefix(".")
    with matplotlib.rc_context({"svg.hashsalt": "distbench"}):
        figure.savefig(drawn, format=kind, metadata={"Date": None} if kind == "svg" else None)
    try:
        write_whole(target, drawn.getvalue())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def _width(label: str) -> float:
    """Of a node with that name."""
    fonts, texts = import_module("matplotlib.font_manager"), import_module("matplotlib.textpath")
    properties = fonts.FontProperties(size=_FONT)
    points, _, _ = texts.text_to_path.get_text_width_height_descent(label, properties, ismath=False)
    return max(_HIGH, float(points) / 72 + _HIGH / 2)


def _draw_nodes(
    axes: Any, at: Mapping[PeerId, tuple[float, float]], widths: Mapping[PeerId, float], scale: float
) -> dict[PeerId, Any]:
    """The patch of each node."""
    patches = import_module("matplotlib.patches")
    drawn = {}
    for node, (x, y) in at.items():
        drawn[node] = patches.FancyBboxPatch(
            (x - widths[node] / 2, y - _HIGH / 2),
            widths[node],
            _HIGH,
            boxstyle=f"round,pad=0,rounding_size={_HIGH / 2}",
            facecolor="#d9e6f2",
            edgecolor="#33536e",
            linewidth=scale,
            zorder=2,
        )
        axes.add_patch(drawn[node])
        axes.text(x, y, node, ha="center", va="center_baseline", fontsize=_FONT * scale, zorder=3, parse_math=False)
    return drawn


def _draw_links(
    axes: Any, config: RunConfig, at: Mapping[PeerId, tuple[float, float]], boxes: Mapping[PeerId, Any], scale: float
) -> None:
    listed = {node.node_id: frozenset(node.neighbours) for node in config.nodes.values()}
    for one in listed:
        for other in config.nodes[one].neighbours:
            if one not in listed[other]:
                style = {"arrowstyle": "-|>", "color": _LINE, "linewidth": 0.8 * scale, "shrinkA": 0, "shrinkB": 0}
                style |= {"mutation_scale": 10 * scale, "patchA": boxes[one], "patchB": boxes[other]}
                axes.annotate("", at[other], at[one], arrowprops=style, zorder=1)
            elif one < other:
                axes.plot(*zip(at[one], at[other], strict=True), color=_LINE, linewidth=0.8 * scale, zorder=1)
