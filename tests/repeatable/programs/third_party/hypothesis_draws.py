# expected: repeatable
# needs: hypothesis
"""Examples drawn by hypothesis without a seed of its own."""

import random

from hypothesis.internal.entropy import get_seeder_and_restorer

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class HypothesisDraws(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        get_seeder_and_restorer(5)
        await self.tell(random.random())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
