# expected: repeatable
"""What isEnabledFor and the effective level say."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)


@distbench
class AsksWhetherEnabled(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        levels = [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR]
        await self.tell(
            [logger.isEnabledFor(level) for level in levels], logger.getEffectiveLevel(), logging.root.level
        )
        await self.tell(
            logger.level, logging.root.manager.disable, logger.hasHandlers(), logging.lastResort is not None
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
