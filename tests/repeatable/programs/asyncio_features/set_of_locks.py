# expected: repeatable
# from python: repeatable
"""Locks, events, queues and conditions in one set, used in its order."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfLocks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        primitives = {asyncio.Lock(): 1, asyncio.Event(): 2, asyncio.Queue(): 3, asyncio.Condition(): 4}
        await self.tell(list(primitives.values()))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
