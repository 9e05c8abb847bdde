# expected: refused: read
"""Reading an empty pipe."""

import os

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class PipeRead(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        reading, writing = os.pipe()
        try:
            os.read(reading, 1)
        finally:
            os.close(reading)
            os.close(writing)
        await self.tell("went on")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
