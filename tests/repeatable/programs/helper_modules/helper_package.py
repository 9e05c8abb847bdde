# expected: repeatable
"""A package of helpers."""

import asyncio

import toolbox
from toolbox.stamping import Stamper

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class HelperPackage(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        stamper = Stamper()
        await asyncio.sleep(0.1)
        await self.tell(toolbox.stamp(), stamper.age(), stamper.made)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
