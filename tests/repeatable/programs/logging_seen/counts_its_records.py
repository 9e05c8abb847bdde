# expected: repeatable
"""An algorithm that counts its own log records."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)


class Counter(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


counter = Counter()
logger.addHandler(counter)


@distbench
class CountsItsRecords(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        before = counter.count
        logger.debug("debug")
        logger.info("info")
        logger.warning("warning")
        await self.tell(counter.count - before)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
