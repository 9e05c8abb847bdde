# expected: repeatable
"""Workers behind a semaphore."""

import asyncio
import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Semaphores(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        gate = asyncio.Semaphore(2)

        async def work(number: int) -> None:
            async with gate:
                await asyncio.sleep(random.random())
                heard.append((number, asyncio.get_running_loop().time()))

        await asyncio.gather(*(work(number) for number in range(6)))
        await self.tell(heard, gate.locked())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
