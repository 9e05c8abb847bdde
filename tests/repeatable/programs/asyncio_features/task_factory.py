# expected: repeatable
"""A task factory of the program's own."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TaskFactory(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        made = []

        def factory(loop, coro, **named):
            task = asyncio.Task(coro, loop=loop, **named)
            made.append(task.get_name())
            return task

        async def work(number: int) -> int:
            return number

        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory)
        tasks = {asyncio.create_task(work(number)) for number in range(5)}
        await self.tell([await task for task in tasks], len(made), loop.get_task_factory() is factory)
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
