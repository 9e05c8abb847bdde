# expected: repeatable
"""Tasks in a WeakSet and a WeakKeyDictionary."""

import asyncio
import weakref

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class WeakSetOfTasks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> int:
            await asyncio.sleep(0.1)
            return number

        tasks = weakref.WeakSet()
        names = weakref.WeakKeyDictionary()
        kept = [asyncio.create_task(work(number)) for number in range(9)]
        for number, task in enumerate(kept):
            tasks.add(task)
            names[task] = number
        await self.tell([names[task] for task in tasks], [await task for task in tasks])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
