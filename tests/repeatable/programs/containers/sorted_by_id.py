# expected: exception: addresses
"""Objects sorted by their id."""

from distbench import Algorithm, PeerId, distbench, handler


class Thing:
    def __init__(self, number: int) -> None:
        self.number = number


@distbench
class SortedById(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell([thing.number for thing in sorted((Thing(number) for number in range(20)), key=id)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
