# expected: exception: addresses
"""A WeakSet of objects without a hash of their own."""

import weakref

from distbench import Algorithm, PeerId, distbench, handler


class Thing:
    def __init__(self, number: int) -> None:
        self.number = number


@distbench
class WeakSetsOfObjects(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        kept = [Thing(number) for number in range(20)]
        await self.tell([thing.number for thing in weakref.WeakSet(kept)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
