# expected: refused: loop
"""A loop of the program's own."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class AnotherLoop(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.new_event_loop()
        try:
            await self.tell(loop.run_until_complete(asyncio.sleep(0, 5)))
        finally:
            loop.close()

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
