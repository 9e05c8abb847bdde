"""Numbered messages over time: what is lost, repeated or out of order shows at once."""

from __future__ import annotations

import asyncio
import logging

from distbench import Algorithm, PeerId, config_field, distbench, handler, message

logger = logging.getLogger(__name__)


@message
class Numbered:
    """One of a sequence."""

    number: int


@distbench
class Stream(Algorithm):
    """Every node sends 1, 2, 3, … to each other node, and terminates when it has heard all of theirs."""

    count: int = config_field(default=100)
    pause: float = config_field(default=0.02)

    async def on_start(self) -> None:
        self.last = dict.fromkeys(self.peers, 0)
        for number in range(1, self.count + 1):
            for peer in self.peers.values():
                await peer.take(Numbered(number=number))
            await asyncio.sleep(self.pause)

    @handler
    async def take(self, src: PeerId, msg: Numbered) -> None:
        """Each number follows the one before it."""
        assert msg.number == self.last[src] + 1, f"{msg.number} from {src} after {self.last[src]}"
        self.last[src] = msg.number
        if msg.number == 1:
            logger.info("The first from %s", src)
        if min(self.last.values()) == self.count:
            await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"heard": sum(self.last.values())}
