# expected: repeatable
"""A program that switches its own logging off and on."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)


@distbench
class DisabledByTheProgram(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        logger.disabled = True
        seen = [logger.isEnabledFor(logging.ERROR)]
        logger.disabled = False
        logger.setLevel(logging.WARNING)
        seen.append(logger.isEnabledFor(logging.INFO))
        logger.setLevel(logging.NOTSET)
        await self.tell(seen, logger.getEffectiveLevel())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
