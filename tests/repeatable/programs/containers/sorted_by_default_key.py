# expected: repeatable
"""Ties in heaps and sorts, broken by a counter."""

import heapq
import itertools
import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SortedByDefaultKey(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        counter = itertools.count()
        heap: list[tuple[int, int, str]] = []
        for word in "a b c d e f".split():
            heapq.heappush(heap, (random.randrange(2), next(counter), word))
        await self.tell([heapq.heappop(heap) for _ in range(6)], sorted("ccbbaa", key=lambda each: 0))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
