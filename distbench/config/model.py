"""What a config says, checked and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from distbench.community import PeerId

RESERVED = ("neighbours", "host", "port", "role", "algorithm", "clock", "region")
"""Keys of a node's block that belong to distbench; every other key is a config field or a child's block."""

MAX_NODES: Final = 1_000_000
MAX_LINKS: Final = 50_000_000
"""Neighbours that all nodes list together; they are counted before they are made."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: a file and a line, or a generator's or caller's description and no line."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One node's block. ``neighbours`` is resolved: exactly the nodes that this node lists, in that order."""

    node_id: PeerId
    neighbours: tuple[PeerId, ...]
    fields: Mapping[str, object] = field(default_factory=dict)
    host: str | None = None
    port: int | None = None
    role: str | None = None
    algorithm: str | None = None
    clock: str | None = None
    region: str | None = None
    place: Place = field(default=Place("<python>"), compare=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
    """Where each key stands; a nested key is written with dots (``broadcast.is_sender``)."""

    def where(self, key: str) -> Place:
        """The place of ``key``, or that of the node's block."""
        return self.places.get(key, self.place)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """All nodes of a run in the order of the config, at least one; equal where the nodes are, wherever written."""

    nodes: Mapping[PeerId, NodeConfig]
    source: str = field(default="<python>", compare=False)
    generated: bool = field(default=False, compare=False)
    """Made by a generator such as ``ring:16``, so nobody has said which node starts."""
