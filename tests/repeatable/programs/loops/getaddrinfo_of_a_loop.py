# expected: refused: getaddrinfo
"""loop.getaddrinfo() inside a handler."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class GetaddrinfoOfALoop(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.getaddrinfo("localhost", 80)
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
