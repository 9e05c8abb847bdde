# expected: exception: C libraries
"""The generator below random.Random, seeded from the system by itself."""

import _random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class GeneratorBelow(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(_random.Random().random())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
