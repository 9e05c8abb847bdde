# expected: repeatable
"""Arguments of log calls whose text has an effect."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)


class Counted:
    shown = 0

    def __str__(self) -> str:
        type(self).shown += 1
        return f"shown {self.shown}"


@distbench
class LazyArguments(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        Counted.shown = 0
        logger.info("%s", Counted())
        logger.debug("%s", Counted())
        await self.tell(Counted.shown)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
