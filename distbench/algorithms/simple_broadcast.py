"""SimpleBroadcast: one node tells all others; the example of two layers.

Source: best-effort broadcast, C. Cachin, R. Guerraoui and L. Rodrigues, "Introduction to Reliable and Secure
Distributed Programming", 2nd edition, 2011, section 3.2; here the sender does not deliver to itself, and every
receiver acknowledges.

Model: every node is a neighbour of the sender, asynchronous reliable links, no failures.

Properties:
- validity: every neighbour of a correct sender delivers the content once;
- no creation: what is delivered was broadcast;
- when ``broadcast`` returns, every neighbour has delivered.

Messages: a broadcast is n - 1 requests and n - 1 acknowledgements.

``SimpleBroadcast`` is the lower layer and hands what arrives to its parent. ``SimpleBroadcastUpper`` stands on it:
one node broadcasts, and each terminates when it is told. Alone, the lower layer does the same with ``is_sender``.
"""

from __future__ import annotations

import asyncio
import logging

from distbench import Algorithm, PeerId, RunResult, child_algorithm, config_field, distbench, handler, message

logger = logging.getLogger(__name__)


@message
class BroadcastMessage:
    """What is told to all."""

    content: str


@distbench
class SimpleBroadcast(Algorithm):
    """Lower layer: sends a content to all neighbours."""

    is_sender: bool = config_field(default=False)
    """Broadcast a greeting at the start, without being asked by a parent."""

    delivered: int = 0

    async def on_start(self) -> None:
        if self.is_sender:
            await self.broadcast("Hello from the lower layer!")
            if self._parent is None:
                await self.terminate()

    async def broadcast(self, content: str) -> None:
        """Tell all neighbours; returns when each of them has delivered."""
        told = BroadcastMessage(content=content)
        await asyncio.gather(*(peer.broadcast_message(told) for peer in self.peers.values()))

    @handler
    async def broadcast_message(self, src: PeerId, msg: BroadcastMessage) -> str:
        """Deliver to the layer above; without one, the node has heard what it waited for."""
        self.delivered += 1
        if self._parent is None:
            await self.terminate()
        else:
            await self.deliver_message(src, msg)
        return "Ack"

    async def report(self) -> dict[str, object]:
        return {"delivered": self.delivered}


@distbench
class SimpleBroadcastUpper(Algorithm):
    """Upper layer: one node broadcasts, all others wait for it."""

    start_node: bool = config_field(default=False)
    broadcast: SimpleBroadcast = child_algorithm(SimpleBroadcast)

    messages_received: int = 0

    async def on_start(self) -> None:
        if self.start_node:
            await self.broadcast.broadcast("Hello from Upper Layer!")
            await self.terminate()

    @handler(from_child="broadcast")
    async def on_broadcast(self, src: PeerId, msg: BroadcastMessage) -> None:
        """Count what the lower layer delivers; the first content is the last thing to wait for."""
        logger.info("Intercepted: %s from %s", msg.content, src)
        self.messages_received += 1
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"messages_received": self.messages_received}


def check(result: RunResult) -> None:
    """After a completed run every request sent was delivered, so that all but the sender were told."""
    if result.ended == "completed":
        sent = sum(node.messages_out for node in result.nodes.values())
        delivered = sum(node.messages_in for node in result.nodes.values())
        assert sent == delivered, f"{sent} requests were sent, {delivered} delivered"
        untold = [node for node, end in result.nodes.items() if not end.messages_in and not end.messages_out]
        assert not untold or len(result.nodes) == 1, f"never told: {untold}"
