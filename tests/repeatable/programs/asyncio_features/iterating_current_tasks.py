# expected: repeatable
"""A task keeps tasks as keys of a dictionary, and is found by itself."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class IteratingCurrentTasks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        owners = {}

        async def work(number: int) -> None:
            owners[asyncio.current_task()] = number
            await asyncio.sleep(0)

        owners[asyncio.current_task()] = -1
        await asyncio.gather(*(work(number) for number in range(6)))
        await self.tell([owners[task] for task in set(owners)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
