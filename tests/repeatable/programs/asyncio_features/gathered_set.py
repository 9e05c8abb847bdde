# expected: repeatable
"""A set of coroutines given to gather."""

import asyncio
import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class GatheredSet(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> float:
            await asyncio.sleep(0)
            return number + random.random()

        await self.tell(await asyncio.gather(*{work(number) for number in range(12)}))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
