# expected: repeatable
# needs: sortedcontainers
"""Sorted containers with keys."""

import random

from sortedcontainers import SortedDict, SortedList, SortedSet

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SortedContainers(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        numbers = SortedList(random.random() for _ in range(5))
        await self.tell(numbers, SortedSet("hello"), SortedDict({"b": 1, "a": 2}))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
