"""Configs and runs that the tests of the shipped algorithms share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, RunResult

CONFIGS = Path(__file__).resolve().parent.parent.parent / "configs"
LATENCIES = (None, "10-50", "5")
"""The default, a wide range, and a constant one, where the order of sending breaks ties."""

SCHEDULES = pytest.mark.parametrize(
    "latency",
    [
        pytest.param(latency, id=f"{latency}-{name}", marks=(pytest.mark.distbench_seeds(seeds), *marks))
        for latency in LATENCIES
        for name, seeds, marks in (("few", range(40), ()), ("many", range(40, 250), (pytest.mark.slow,)))
    ],
)
"""Has a test try few seeds under each latency, and many more where it may take long."""

Config = dict[str, dict[str, object]]
Edge = tuple[int, int]


def ring(numbers: Sequence[int], **fields: object) -> Config:
    """Nodes n1, n2, ... with these numbers; each lists its successor."""
    size = len(numbers)
    return {
        f"n{place}": {"neighbours": [f"n{place % size + 1}"] if size > 1 else "none", "node_id": number, **fields}
        for place, number in enumerate(numbers, 1)
    }


def network(size: int, edges: Sequence[Edge]) -> Config:
    """Nodes n1, n2, ...; both ends of an edge list each other."""
    listed: dict[int, list[str]] = {place: [] for place in range(1, size + 1)}
    for one, other in edges:
        listed[one].append(f"n{other}")
        listed[other].append(f"n{one}")
    return {f"n{place}": {"neighbours": neighbours or "none"} for place, neighbours in listed.items()}


@st.composite
def connected(draw: st.DrawFn, most: int = 8) -> tuple[int, list[Edge]]:
    """A connected network: its size and its edges, a random tree and some more."""
    size = draw(st.integers(1, most))
    tree = {(draw(st.integers(1, place - 1)), place) for place in range(2, size + 1)}
    others = [(one, other) for one in range(1, size + 1) for other in range(one + 1, size + 1)]
    more = draw(st.sets(st.sampled_from(others))) if others else set()
    return size, draw(st.permutations(sorted(tree | more)))


def runs(
    algorithm: type[Algorithm], config: Config | Path, latency: str | None, seeds: Iterable[int]
) -> Iterator[RunResult]:
    """One run for every seed."""
    return (distbench.run(algorithm, config, seed=seed, latency=latency) for seed in seeds)


def sent(result: RunResult) -> int:
    """Casts and requests of all nodes; each was delivered."""
    out = sum(node.messages_out for node in result.nodes.values())
    assert out == sum(node.messages_in for node in result.nodes.values())
    return out
