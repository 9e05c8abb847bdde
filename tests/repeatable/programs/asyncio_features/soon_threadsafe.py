# expected: repeatable
"""call_soon_threadsafe from the loop's own thread."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SoonThreadsafe(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        heard = []
        loop.call_soon_threadsafe(heard.append, 1)
        loop.call_soon(heard.append, 2)
        loop.call_soon_threadsafe(heard.append, 3)
        await asyncio.sleep(0)
        await self.tell(heard)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
