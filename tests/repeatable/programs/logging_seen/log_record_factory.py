# expected: repeatable
"""A factory for records."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)
made: list[str] = []


@distbench
class LogRecordFactory(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        old = logging.getLogRecordFactory()

        def factory(*args, **named):
            record = old(*args, **named)
            made.append(record.levelname)
            return record

        made.clear()
        logging.setLogRecordFactory(factory)
        try:
            logger.debug("debug")
            logger.info("info")
            logger.warning("warning")
        finally:
            logging.setLogRecordFactory(old)
        await self.tell(made)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
