# expected: repeatable
"""Queues of every kind between producers and consumers."""

import asyncio
import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Queues(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        for make in (asyncio.Queue, asyncio.LifoQueue, asyncio.PriorityQueue):
            queue = make(maxsize=2)

            async def produce(number: int, queue: asyncio.Queue = queue) -> None:
                for each in range(3):
                    await queue.put((random.randrange(9), number, each))

            async def consume(queue: asyncio.Queue = queue) -> None:
                while True:
                    heard.append(await queue.get())
                    queue.task_done()

            consumers = [asyncio.create_task(consume()) for _ in range(2)]
            await asyncio.gather(*(produce(number) for number in range(3)))
            await queue.join()
            for each in consumers:
                each.cancel()
            await asyncio.gather(*consumers, return_exceptions=True)
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
