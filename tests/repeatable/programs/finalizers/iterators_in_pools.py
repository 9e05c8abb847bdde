# expected: repeatable
"""Generators that await in finally, several dropped at once."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class IteratorsInPools(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def numbers(name: int):
            try:
                yield name
            finally:
                await asyncio.sleep(0.01)
                heard.append(name)

        pool = [numbers(name) for name in range(6)]
        for each in pool:
            await anext(each)
        del each
        pool.clear()
        await asyncio.sleep(0.1)
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
