# expected: repeatable
"""A failing TaskGroup cancels its set of tasks, each of which tells."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TaskGroupCancelledTogether(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def work(number: int) -> None:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                heard.append(number)
                raise

        async def fails() -> None:
            await asyncio.sleep(0.5)
            raise KeyError("it")

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(work(number))
                group.create_task(fails())
        except* KeyError as errors:
            heard.append(str(errors.exceptions))
        await self.tell(heard)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
