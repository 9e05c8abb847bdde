# expected: repeatable
"""Where a task stands."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TaskStacks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work() -> None:
            await asyncio.sleep(1)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        await self.tell([frame.f_lineno for frame in task.get_stack()], task.cancelling(), task.done())
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
