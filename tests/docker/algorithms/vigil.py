"""All nodes call each other again and again, without end, until somebody is gone."""

from __future__ import annotations

import asyncio
import logging

from distbench import Algorithm, PeerDown, PeerId, distbench, handler

logger = logging.getLogger(__name__)


@distbench
class Vigil(Algorithm):
    """Watches over its peers, and terminates when one of them is gone."""

    gone: str = ""

    async def on_start(self) -> None:
        logger.info("Watching")
        while not self.gone:
            await self.look()
            await asyncio.sleep(0.05)
        logger.info("%s is gone", self.gone)
        await self.terminate()

    async def look(self) -> None:
        """Ask all peers."""
        for peer_id, peer in self.peers.items():
            try:
                await peer.ask(self.now())
            except PeerDown:
                self.gone = peer_id
                return

    @handler
    async def ask(self, src: PeerId, moment: float) -> float:
        """The answer shows that this node is there."""
        return moment

    async def report(self) -> dict[str, object]:
        return {"gone": self.gone}
