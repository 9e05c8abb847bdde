# expected: repeatable
"""The set of background tasks that the manual of asyncio recommends, in its order."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class BackgroundTasks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        background = set()

        async def work(number: int) -> None:
            await asyncio.sleep(0.1)
            await self.tell(number)

        for number in range(8):
            task = asyncio.create_task(work(number))
            background.add(task)
            task.add_done_callback(background.discard)
        await self.tell([task.get_coro().__qualname__ for task in background], [task.get_name() for task in background])
        while background:
            await asyncio.wait(background)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
