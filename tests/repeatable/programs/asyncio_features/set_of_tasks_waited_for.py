# expected: repeatable
"""What wait() returns are sets of tasks."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfTasksWaitedFor(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> int:
            await asyncio.sleep(number % 3)
            return number

        tasks = {asyncio.create_task(work(number)) for number in range(10)}
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await self.tell([task.result() for task in done], len(pending), [task.get_name() for task in pending])
        done, pending = await asyncio.wait(pending)
        await self.tell([task.result() for task in done])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
