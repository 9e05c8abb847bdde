# expected: refused: create_server
"""asyncio.start_server."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ServerStarted(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await asyncio.start_server(print, "127.0.0.1", 0)
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
