# expected: repeatable
"""Work that is only done where DEBUG is on."""

import logging
import random

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)


@distbench
class ExpensiveWhenDebugging(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("drawn %s", random.random())
        if logger.isEnabledFor(logging.INFO):
            logger.info("drawn %s", random.random())
        await self.tell(random.random())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
