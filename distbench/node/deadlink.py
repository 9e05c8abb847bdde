"""What stands in for the link to a node that is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from distbench.community import PeerId
from distbench.errors import PeerDown
from distbench.node.failures import HAS_ENDED

if TYPE_CHECKING:
    from distbench.node.node import Node


class DeadLink:
    """A link to a node that is known to be gone: it takes nothing."""

    __slots__ = ("_node", "_peer", "_reason")

    def __init__(self, node: Node, peer: PeerId, reason: str) -> None:
        self._node = node
        self._peer = peer
        self._reason = reason

    def send(self, handler: int, call: int, payload: bytes, value: Any) -> asyncio.Future[None]:
        if call and handler >= 0:
            raise PeerDown(self._peer, self._reason)
        if self._reason is not HAS_ENDED:  # what a node says when its own run is over is cut off, not lost
            self._node.drop_unsent(self._peer, f"{self._peer} {self._reason}")
        refused = self._node.loop.create_future()
        refused.cancel()
        return refused
