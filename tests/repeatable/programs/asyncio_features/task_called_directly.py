# expected: repeatable
"""asyncio.Task(...) without the loop's help."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TaskCalledDirectly(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def work(number: int) -> int:
            heard.append(number)
            await asyncio.sleep(0)
            return number

        loop = asyncio.get_running_loop()
        tasks = {asyncio.Task(work(number), loop=loop) for number in range(9)}
        done, _ = await asyncio.wait(tasks)
        await self.tell(heard, [task.result() for task in done])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
