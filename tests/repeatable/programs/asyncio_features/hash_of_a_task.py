# expected: repeatable
"""What a task and a future hash to."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class HashOfATask(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work() -> None: ...

        task = asyncio.create_task(work())
        await self.tell(hash(task), hash(asyncio.get_running_loop().create_future()), hash(asyncio.current_task()))
        await task

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
