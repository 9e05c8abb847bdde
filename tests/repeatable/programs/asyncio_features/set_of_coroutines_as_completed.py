# expected: repeatable
"""A set of coroutines given to as_completed."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfCoroutinesAsCompleted(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> int:
            await asyncio.sleep(0.01)
            return number

        await self.tell([await each for each in asyncio.as_completed({work(number) for number in range(12)})])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
