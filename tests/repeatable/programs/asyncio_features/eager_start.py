# expected: repeatable
# python: 3.12
"""Tasks that were started eagerly, one by one, in a set."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class EagerStart(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def work(number: int) -> int:
            heard.append(number)
            if number % 3:
                await asyncio.sleep(0.01 * number)
            return number

        loop = asyncio.get_running_loop()
        tasks = {asyncio.Task(work(number), loop=loop, eager_start=True) for number in range(9)}
        heard.append("made")
        await self.tell(heard, [await task for task in tasks], [task.get_name() for task in tasks])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
