# expected: repeatable
"""gauss keeps half of a pair for the next call."""

import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class GaussNext(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell([random.gauss(0, 1) for _ in range(3)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
