# expected: repeatable
# python: 3.13
"""Queue.shutdown wakes those that wait."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class QueueShutdown(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        queue = asyncio.Queue()

        async def get(number: int) -> None:
            try:
                await queue.get()
            except asyncio.QueueShutDown as error:
                heard.append((number, repr(error)))

        tasks = [asyncio.create_task(get(number)) for number in range(3)]
        await asyncio.sleep(0)
        queue.shutdown()
        await asyncio.gather(*tasks)
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
