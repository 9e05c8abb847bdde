# expected: repeatable
"""A handler that keeps records for later, and one at the root."""

import logging
import logging.handlers

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)


@distbench
class MemoryHandler(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        memory = logging.handlers.MemoryHandler(100)
        logging.root.addHandler(memory)
        try:
            logger.info("info")
            logger.debug("debug")
            logger.warning("warning")
            await self.tell([record.getMessage() for record in memory.buffer if record.name == logger.name])
        finally:
            logging.root.removeHandler(memory)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
