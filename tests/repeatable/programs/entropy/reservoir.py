# expected: repeatable
"""Sampling what comes, with a weight."""

import heapq
import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Reservoir(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        sample: list[tuple[float, str]] = []
        for word in "the quick brown fox jumps over the lazy dog".split():
            heapq.heappush(sample, (random.random() ** (1 / len(word)), word))
            if len(sample) > 3:
                heapq.heappop(sample)
        await self.tell(sample)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
