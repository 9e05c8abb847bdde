# expected: repeatable
"""What a loop, a handle and a task look like: some of it is an address."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ReprOfALoop(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        await self.tell(repr(loop), repr(loop.call_soon(print)))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
