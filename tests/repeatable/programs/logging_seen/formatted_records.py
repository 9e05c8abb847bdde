# expected: repeatable
"""Records that a formatter of the program's own makes text of."""

import io
import logging

from distbench import Algorithm, PeerId, distbench, handler

logger = logging.getLogger(__name__)
stream = io.StringIO()
own = logging.StreamHandler(stream)
own.setFormatter(logging.Formatter("%(asctime)s %(process)d %(thread)d %(relativeCreated)d %(levelname)s %(message)s"))
logger.addHandler(own)
logger.setLevel(logging.INFO)


@distbench
class FormattedRecords(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        stream.seek(0)
        stream.truncate()
        logger.info("hello from %s", self.id())
        await self.tell(stream.getvalue())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
