# expected: refused: run_in_executor
"""asyncio.to_thread."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ToThread(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(await asyncio.to_thread(sum, [1, 2]))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
