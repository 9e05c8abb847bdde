# expected: repeatable
"""Process, thread, task and names in log records."""

import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)


class Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


keeper = Keeper()
logger.addHandler(keeper)
logger.setLevel(logging.DEBUG)


@distbench
class IdentityInRecords(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        keeper.records.clear()
        logger.info("one")
        for each in keeper.records:
            await self.tell(
                each.process, each.thread, each.threadName, each.processName, getattr(each, "taskName", None)
            )
            await self.tell(each.lineno, each.funcName, each.name, each.module)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
