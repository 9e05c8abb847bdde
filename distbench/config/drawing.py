"""A picture of who neighbours whom."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from distbench.config.model import RunConfig
from distbench.errors import ConfigError

if TYPE_CHECKING:
    import networkx

_SUFFIXES: Final = (".svg", ".png")
_CIRCLE_ABOVE: Final = 300  # nodes; springs take too long then, and show nothing


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
        raise ConfigError("drawing needs matplotlib; install distbench[plots]") from error
    import networkx

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(config.nodes)
    graph.add_edges_from((node.node_id, other) for node in config.nodes.values() for other in node.neighbours)
    mutual = [(a, b) for a, b in graph.edges if graph.has_edge(b, a) and a < b]
    directed = [(a, b) for a, b in graph.edges if not graph.has_edge(b, a)]
    at = _layout(graph)
    size = min(40.0, 4 + 0.8 * len(graph) ** 0.5)
    figure = figures.Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal")
    for a, b in mutual:
        axes.plot(*zip(at[a], at[b], strict=True), color="#888888", linewidth=0.8, zorder=1)
    for a, b in directed:
        arrow = {"arrowstyle": "-|>", "color": "#888888", "linewidth": 0.8, "shrinkA": 9, "shrinkB": 9}
        axes.annotate("", at[b], at[a], arrowprops=arrow, zorder=1)
    xs, ys = zip(*at.values(), strict=True)
    axes.scatter(xs, ys, s=320, color="#d9e6f2", edgecolors="#33536e", zorder=2)
    for node, (x, y) in at.items():
        axes.text(x, y, node, ha="center", va="center", fontsize=8, zorder=3)
    axes.margins(0.1)
    try:
        with matplotlib.rc_context({"svg.hashsalt": "distbench"}):
            figure.savefig(target, metadata={"Date": None} if target.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def _layout(graph: networkx.DiGraph[str]) -> dict[str, tuple[float, float]]:
    import networkx

    full = graph.number_of_edges() == len(graph) * (len(graph) - 1)
    ring = all(degree == 1 for _, degree in graph.out_degree)
    if full or ring or len(graph) > _CIRCLE_ABOVE:
        found = networkx.circular_layout(graph)
    else:
        found = networkx.spring_layout(graph.to_undirected(), seed=0, iterations=200)
    return {node: (float(x), float(y)) for node, (x, y) in found.items()}
