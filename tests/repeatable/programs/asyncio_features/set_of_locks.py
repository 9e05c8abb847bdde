# expected: repeatable
"""Locks, events, queues and conditions in one set, used in its order."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfLocks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        primitives = {make(): number for number, make in enumerate([asyncio.Lock, asyncio.Event, asyncio.Queue] * 4)}
        await self.tell([primitives[each] for each in set(primitives)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
