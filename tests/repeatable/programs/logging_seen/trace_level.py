# expected: repeatable
"""The level TRACE of distbench."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)


@distbench
class TraceLevel(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        logger.trace("trace")
        await self.tell(logger.isEnabledFor(5), logging.getLevelName(5))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
