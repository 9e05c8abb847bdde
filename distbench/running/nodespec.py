"""What a node's process is given, and what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from distbench.community import PeerId
from distbench.config.binding import BoundLayer
from distbench.config.model import RunConfig
from distbench.network.party import Terms
from distbench.network.tcp import Address
from distbench.running.control import Left
from distbench.running.options import RunOptions
from distbench.running.result import Outcome
from distbench.signing import KeyPair

DEFAULT_TIMEOUT: Final = 30.0
"""Seconds of wall time that a run may take."""


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    """All that a node's process needs to know before it starts."""

    node_id: PeerId
    config: RunConfig
    bound: Mapping[PeerId, BoundLayer]
    options: RunOptions
    terms: Terms
    keys: KeyPair
    roster: Mapping[PeerId, bytes | None]
    """Known keys; None where the first that proves itself is to stand."""
    addresses: Mapping[PeerId, Address]
    link_limit: float
    gone_after: float | None
    startup_timeout: float

    @property
    def first(self) -> PeerId:
        """The node beside which the coordinator is in network mode."""
        return next(iter(self.config.nodes))


@dataclass
class Ending:
    """How it ended for this process."""

    outcome: Outcome | None = None
    reason: str = ""
    left: Left | None = None
    complaint: str = ""
    """What went wrong for this process itself."""
    at: float = 0.0
    """When it did, in seconds since the start."""
