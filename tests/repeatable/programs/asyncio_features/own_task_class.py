# expected: repeatable
"""Subclasses of Task and Future in sets."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


class OwnTask(asyncio.Task):
    pass


class OwnFuture(asyncio.Future):
    pass


@distbench
class OwnTaskClass(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work(number: int) -> int:
            return number

        loop = asyncio.get_running_loop()
        tasks = {OwnTask(work(number), loop=loop) for number in range(9)}
        futures = {OwnFuture(loop=loop) for number in range(9)}
        for number, future in enumerate(futures):
            future.number = number
            loop.call_soon(future.set_result, number)
        await self.tell([await task for task in tasks], [await future for future in futures])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
