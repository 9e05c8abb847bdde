# expected: repeatable
"""A handler at the logger of the package itself."""

import logging

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class LogsOfDistbench(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        logger = logging.getLogger("distbench")
        await self.tell(
            logger.isEnabledFor(logging.DEBUG), logger.level, logging.getLogger("asyncio").isEnabledFor(logging.WARNING)
        )

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
