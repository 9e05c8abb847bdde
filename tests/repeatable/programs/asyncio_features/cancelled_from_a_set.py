# expected: repeatable
"""A set of tasks is cancelled in its order; each tells when it ends."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class CancelledFromASet(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def work(number: int) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                heard.append(number)

        tasks = {asyncio.create_task(work(number)) for number in range(15)}
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
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
