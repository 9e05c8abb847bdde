"""Where the nodes of a picture stand: a topology that is a row, a ring, a grid, a star or a tree looks like one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

from distbench.community import PeerId
from distbench.config.model import RunConfig

Spot: TypeAlias = tuple[float, float]
Links: TypeAlias = Sequence[set[int]]
"""Whom each node is linked with, in one direction or both, by their places in the config."""

_GAP: Final = 0.4
"""Inches between two nodes that stand side by side."""
_CIRCLE_ABOVE: Final = 300
"""Nodes; springs take too long then, and show nothing."""
_ROUNDS: Final = 60


def lay_out(config: RunConfig, wide: float, high: float) -> dict[PeerId, Spot]:
    """The centre of each node, in inches, y upwards, for boxes of ``wide`` by ``high`` inches: no two of them overlap.

    It depends on who is linked with whom and on the order of the nodes, so that a topology looks the same whether a
    generator made it or a file says it.
    """
    place = {node: number for number, node in enumerate(config.nodes)}
    links: list[set[int]] = [set() for _ in place]
    for node in config.nodes.values():
        for other in node.neighbours:
            links[place[node.node_id]].add(place[other])
            links[place[other]].add(place[node.node_id])
    return dict(zip(config.nodes, _spots(links, wide + _GAP, high + _GAP), strict=True))


def _spots(links: Links, across: float, down: float) -> list[Spot]:
    """``across`` and ``down``: how far apart two nodes stand at least, in one of the two directions."""
    size, degrees = len(links), [len(others) for others in links]
    edges, most, order = sum(degrees) // 2, max(degrees), _walk(links)
    as_tree = len(order) == size and edges == size - 1
    if as_tree and most <= 2 and degrees[0] <= 1:  # from one end to the other
        return _in_order(order, [(across * number, 0.0) for number in range(size)])
    if columns := _columns(links):
        return [(across * (at % columns), -min(across, 2 * down) * (at // columns)) for at in range(size)]
    if len(order) == size == edges and most == 2:
        return _in_order(order, _circle(size, across))
    if edges == size * (size - 1) // 2:
        return _circle(size, across)
    if as_tree and most == size - 1 > 2:
        around = _circle(size - 1, across, least=across)
        around.insert(degrees.index(most), (0.0, 0.0))
        return around
    if as_tree:
        return _tree(links, across, 1.5 * down)
    return _circle(size, across) if size > _CIRCLE_ABOVE else _springs(links, across, down)


def _walk(links: Links) -> list[int]:
    """What can be reached from the first node: each before what is behind it, branch by branch."""
    order: list[int] = []
    seen: set[int] = set()
    ahead = [0]
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            order.append(node)
            ahead += sorted(links[node] - seen, reverse=True)
    return order


def _in_order(order: Sequence[int], spots: Sequence[Spot]) -> list[Spot]:
    """Each node's spot, where the nodes of ``order`` take the spots one after another."""
    return [spot for _, spot in sorted(zip(order, spots, strict=True))]


def _circle(size: int, across: float, least: float = 0.0) -> list[Spot]:
    """Clockwise from the top."""
    radius = max(least, across / (2 * math.sin(math.pi / size)) if size > 1 else 0.0)
    angles = [2 * math.pi * number / size for number in range(size)]
    return [(radius * math.sin(angle), radius * math.cos(angle)) for angle in angles]


def _columns(links: Links) -> int | None:
    """How many columns a grid has whose nodes are listed row by row, if it is one."""
    size, columns = len(links), max(links[0], default=0)
    if len(links[0]) != 2 or size % columns:
        return None
    for at, others in enumerate(links):
        left, right = at % columns > 0, (at + 1) % columns > 0
        around = {at - columns, at + columns, *[at - 1] * left, *[at + 1] * right}
        if others != {other for other in around if 0 <= other < size}:
            return None
    return columns


def _tree(links: Links, across: float, down: float) -> list[Spot]:
    """The first node on top; the leaves side by side, each parent over the middle of its children."""
    order = _walk(links)
    children: dict[int, list[int]] = {}
    depth = {0: 0}
    for node in order:
        children[node] = sorted(links[node] - children.keys())
        depth.update((child, depth[node] + 1) for child in children[node])
    leaves = [node for node in order if not children[node]]
    x = {leaf: across * number for number, leaf in enumerate(leaves)}
    for node in reversed(order):
        if below := children[node]:
            x[node] = (x[below[0]] + x[below[-1]]) / 2
    return [(x[node], -down * depth[node]) for node in range(len(links))]


def _springs(links: Links, across: float, down: float) -> list[Spot]:
    """What is linked draws together; then those that came too near are pushed apart."""
    import networkx

    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_nodes_from(range(len(links)))
    graph.add_edges_from((node, other) for node, others in enumerate(links) for other in others)
    found = networkx.spring_layout(graph, seed=0, iterations=200)
    scale = 0.75 * max(across, down) * math.sqrt(len(links))
    spots = [(float(found[node][0]) * scale, float(found[node][1]) * scale) for node in range(len(links))]
    return _apart(spots, across, down)


def _apart(spots: list[Spot], across: float, down: float) -> list[Spot]:
    """Push every two that are too near in both directions apart in the one that takes less."""
    for _ in range(_ROUNDS):
        moved = False
        for one in range(len(spots)):
            for other in range(one):
                (ax, ay), (bx, by) = spots[one], spots[other]
                missing_x, missing_y = across - abs(ax - bx), down - abs(ay - by)
                if missing_x <= 1e-9 or missing_y <= 1e-9:
                    continue
                moved = True
                step_x = math.copysign(missing_x / 2, ax - bx) if missing_x <= missing_y else 0.0
                step_y = 0.0 if step_x else math.copysign(missing_y / 2, ay - by)
                spots[one], spots[other] = (ax + step_x, ay + step_y), (bx - step_x, by - step_y)
        if not moved:
            break
    return spots
