"""Who takes part in a run, and who neighbours whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NewType

PeerId = NewType("PeerId", str)
"""The name of a node, as the config writes it."""

_DIGITS = re.compile(r"(\d+)")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which ``n2`` comes before ``n10``."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(name) if part)


class Nodes(tuple[PeerId, ...]):
    """All nodes in the order of the config. Share one between the nodes of a run: it is sorted only once."""

    @cached_property
    def order(self) -> tuple[PeerId, ...]:
        """The nodes sorted naturally."""
        return tuple(sorted(self, key=natural_key))


class Community:
    """The nodes of a run as one node sees them; never changes."""

    __slots__ = ("_neighbours", "_nodes")

    def __init__(self, nodes: Iterable[PeerId], neighbours: Iterable[PeerId]) -> None:
        self._nodes = nodes if isinstance(nodes, Nodes) else Nodes(nodes)
        self._neighbours = tuple(neighbours)

    @property
    def nodes(self) -> tuple[PeerId, ...]:
        """All nodes, this one included, in the order of the config."""
        return self._nodes

    @property
    def neighbours(self) -> tuple[PeerId, ...]:
        """The nodes that this node lists, in the order it lists them."""
        return self._neighbours

    @property
    def order(self) -> tuple[PeerId, ...]:
        """All nodes sorted naturally, the same at every node: ``n2`` before ``n10``."""
        return self._nodes.order

    def __repr__(self) -> str:
        return f"Community(nodes={list(self._nodes)}, neighbours={list(self._neighbours)})"


def listeners(neighbours: Mapping[PeerId, tuple[PeerId, ...]]) -> dict[PeerId, tuple[PeerId, ...]]:
    """For each node those that list it, in the order of the config."""
    found: dict[PeerId, list[PeerId]] = {node: [] for node in neighbours}
    for node, listed in neighbours.items():
        for other in listed:
            found[other].append(node)
    return {node: tuple(others) for node, others in found.items()}
