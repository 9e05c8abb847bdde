# expected: repeatable
"""The running loop by all doors."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ThePolicy(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        await self.tell(
            asyncio.get_event_loop() is loop,
            asyncio._get_running_loop() is loop,
        )

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
