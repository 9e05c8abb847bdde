# expected: exception: addresses
"""Coroutines in a set, awaited one by one."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfCoroutinesInItsOrder(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> int:
            await asyncio.sleep(0.001)
            return number

        await self.tell([await each for each in {work(number) for number in range(12)}])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
