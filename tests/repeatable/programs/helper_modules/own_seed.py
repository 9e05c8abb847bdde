# expected: repeatable
"""A generator that each run makes from a fixed seed."""

import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class OwnSeed(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        generator = random.Random(42)
        await self.tell(generator.random(), random.Random("text").random(), random.Random(b"bytes").random())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
