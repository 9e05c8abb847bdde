# expected: repeatable
# python: 3.12
"""An eager factory called by hand, and a TaskGroup of eager tasks."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class EagerGathering(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def work(number: int) -> int:
            heard.append(number)
            await asyncio.sleep(0.1 if number % 2 else 0)
            return number

        loop = asyncio.get_running_loop()
        factory = asyncio.create_eager_task_factory(asyncio.Task)
        tasks = {factory(loop, work(number)) for number in range(6)}
        heard.append([await each for each in asyncio.as_completed(tasks)])
        await self.tell(heard, asyncio.current_task().get_name())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
