# expected: repeatable
# python: 3.12
"""An eager task factory."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class EagerTasks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def work(number: int) -> int:
            heard.append((number, asyncio.current_task().get_name()))
            if number % 2:
                await asyncio.sleep(0.1)
            heard.append(-number)
            return number

        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        tasks = {asyncio.create_task(work(number)) for number in range(1, 9)}
        done, _ = await asyncio.wait(tasks)
        await self.tell(heard, [task.result() for task in done])
        loop.set_task_factory(None)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
