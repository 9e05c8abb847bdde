# expected: repeatable
"""Filters that count, adapters, child loggers, propagation."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(f"{__name__}.child")


class Counting(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        self.seen.append(record.getMessage())
        return True


counting = Counting()
logger.addFilter(counting)


@distbench
class FiltersAndAdapters(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        counting.seen.clear()
        adapter = logging.LoggerAdapter(logger, {"node": self.id()})
        adapter.info("info %s", 1)
        adapter.debug("debug")
        logger.error("error")
        await self.tell(counting.seen, adapter.isEnabledFor(logging.DEBUG), logger.propagate)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
