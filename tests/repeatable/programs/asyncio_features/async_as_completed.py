# expected: repeatable
# python: 3.13
"""as_completed iterated asynchronously."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class AsyncAsCompleted(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> int:
            await asyncio.sleep(number % 3)
            return number

        tasks = {asyncio.create_task(work(number)) for number in range(9)}
        await self.tell([await task async for task in asyncio.as_completed(tasks)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
