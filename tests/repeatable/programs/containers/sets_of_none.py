# expected: exception: addresses
# since 3.12: repeatable
"""On Python 3.11 None hashes to its address; from 3.12 on it does not."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetsOfNone(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell([list({None, "a", "b", 1, 2, 3, number}) for number in range(10, 30)], hash(None))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
