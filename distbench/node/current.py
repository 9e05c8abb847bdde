"""Whose step is running: the node of the current context."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from distbench.community import PeerId


class NodeScope(Protocol):
    """The node whose code runs, as logs and the clock of a simulation see it."""

    @property
    def node_id(self) -> PeerId: ...
    def now(self) -> float: ...


current_node: ContextVar[NodeScope | None] = ContextVar("distbench_node", default=None)
"""Set in every context in which user code of a node runs, and in all that is started from there."""
