# expected: repeatable
"""all_tasks, in its order, and what they are."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class EveryTask(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> None:
            await asyncio.sleep(number)

        made = [asyncio.create_task(work(number), name=f"work {number}") for number in range(7)]
        await asyncio.sleep(0)
        await self.tell(
            [task.get_name() for task in asyncio.all_tasks()],
            [task.get_coro().__name__ for task in asyncio.all_tasks()],
        )
        await asyncio.gather(*made)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
