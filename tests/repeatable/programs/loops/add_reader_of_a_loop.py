# expected: refused: add_reader
"""loop.add_reader() inside a handler."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class AddReaderOfALoop(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(0, print)
        await self.tell("done")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
