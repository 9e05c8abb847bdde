# expected: repeatable
"""A barrier that several reach."""

import asyncio
import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Barriers(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        barrier = asyncio.Barrier(4)

        async def comes(number: int) -> None:
            await asyncio.sleep(random.random())
            position = await barrier.wait()
            heard.append((number, position))

        await asyncio.gather(*(comes(number) for number in range(4)))
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
