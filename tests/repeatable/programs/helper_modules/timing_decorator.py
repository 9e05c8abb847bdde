# expected: repeatable
"""A decorator around a method, with a clock that was bound at import."""

import asyncio

from decorators_of_time import timed

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TimingDecorator(Algorithm):
    looked = 0

    @timed
    async def work(self) -> str:
        await asyncio.sleep(0.2)
        return "worked"

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(await self.work())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
