# expected: repeatable
"""random.seed() with and without an argument."""

import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Seeding(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        random.seed(self.id())
        first = random.random()
        random.seed()
        await self.tell(first, random.random())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
