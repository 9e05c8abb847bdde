# expected: repeatable
"""Timers that are due at one instant."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TimersAtOneInstant(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        heard = []
        at = loop.time() + 1
        for number in range(6):
            loop.call_at(at, heard.append, number)
        await asyncio.gather(*(asyncio.sleep(1, number) for number in range(4)))
        await asyncio.sleep(1)
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
