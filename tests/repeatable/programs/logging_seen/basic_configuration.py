# expected: repeatable
"""logging.basicConfig in the file, as scripts have it."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logging.basicConfig(level=logging.DEBUG)
logger = logging.getLogger(__name__)


@distbench
class BasicConfiguration(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        logger.debug("debug")
        await self.tell(logger.isEnabledFor(logging.DEBUG), logging.root.isEnabledFor(logging.INFO))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
