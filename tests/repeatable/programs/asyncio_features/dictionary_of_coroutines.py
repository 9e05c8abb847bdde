# expected: repeatable
"""Coroutines, events and locks as keys and in sets."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class DictionaryOfCoroutines(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> int:
            return number

        by_task = {asyncio.create_task(work(number)): number for number in range(8)}
        await self.tell([by_task[task] for task in set(by_task)], [await task for task in frozenset(by_task)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
