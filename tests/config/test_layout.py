"""Where the nodes of a picture stand."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest

from distbench.community import PeerId
from distbench.config import config_from_mapping, load_config
from distbench.config.layout import Spot, lay_out

WIDE, HIGH = 1.6, 0.3


def spots(text: str) -> list[Spot]:
    """Those of a generated topology, n1's first."""
    return list(lay_out(load_config(text), WIDE, HIGH).values())


def distances(middle: Spot, others: list[Spot]) -> set[float]:
    return {round(math.dist(middle, other), 6) for other in others}


def centre(found: list[Spot]) -> Spot:
    return sum(x for x, _ in found) / len(found), sum(y for _, y in found) / len(found)


@pytest.mark.parametrize(
    "text",
    "ring:1 ring:2 line:2 star:2 complete:2 tree:2 ring:3 star:3 ring:16 ring:16,both line:5 star:8 complete:7 "
    "grid:4x4 grid:2x2 grid:1x5 grid:3x7 tree:4 tree:15 tree:40 ring:400 random-regular:n=20,d=4 "
    "erdos-renyi:n=50,p=0.1".split(),
)
def test_no_two_nodes_overlap_however_long_their_names(text: str) -> None:
    for (ax, ay), (bx, by) in combinations(spots(text), 2):
        assert abs(ax - bx) >= WIDE or abs(ay - by) >= HIGH


def test_a_line_is_a_straight_row() -> None:
    found = spots("line:5")
    assert {y for _, y in found} == {0.0}
    assert [x for x, _ in found] == sorted(x for x, _ in found)


@pytest.mark.parametrize("text", ["ring:16", "ring:16,both", "complete:7"])
def test_rings_and_complete_graphs_are_circles(text: str) -> None:
    found = spots(text)
    assert len(distances(centre(found), found)) == 1
    assert len({round(math.dist(a, b), 6) for a, b in pairwise(found)}) == 1


def test_a_star_has_its_hub_in_the_middle() -> None:
    hub, *others = spots("star:8")
    assert len(distances(hub, others)) == 1
    assert centre(others) == pytest.approx(hub)


def test_a_grid_is_a_grid() -> None:
    found = spots("grid:3x5")
    assert len({x for x, _ in found}) == 5
    assert len({y for _, y in found}) == 3
    assert found == sorted(found, key=lambda spot: (-spot[1], spot[0]))


@pytest.mark.parametrize("size", [3, 4, 15])
def test_a_tree_has_its_root_on_top_and_levels_below(size: int) -> None:
    found = spots(f"tree:{size}")
    levels = [(number + 1).bit_length() for number in range(size)]
    heights = {level: {y for at, (_, y) in zip(levels, found, strict=True) if at == level} for level in levels}
    assert all(len(ys) == 1 for ys in heights.values())
    assert [max(ys) for _, ys in sorted(heights.items())] == sorted({y for _, y in found}, reverse=True)


def test_a_tree_deeper_than_pythons_stack_is_laid_out() -> None:
    names = [f"n{number}" for number in range(3000)]
    chain = {name: {"neighbours": [following]} for name, following in pairwise(names)}
    last = {name: {"neighbours": "none"} for name in (names[-1], "other")}
    config = config_from_mapping({"root": {"neighbours": ["n0", "other"]}, **chain, **last})
    found = lay_out(config, WIDE, HIGH)
    assert found[PeerId("other")][1] == found[PeerId("n0")][1]
    assert len({y for _, y in found.values()}) == 3001


def test_a_topology_from_a_file_looks_like_the_generated_one() -> None:
    names = ["east", "west", "north", "south"]
    ring = {name: {"neighbours": [names[(at + 1) % 4]]} for at, name in enumerate(names)}
    found = list(lay_out(config_from_mapping(ring), WIDE, HIGH).values())
    assert found == spots("ring:4")
