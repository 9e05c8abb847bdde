# expected: repeatable
# needs: numpy
"""Names of numpy.random that were bound at import."""

from numpy.random import RandomState, choice, default_rng, rand, seed, shuffle

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NumpyEarlyNames(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        cards = list(range(6))
        shuffle(cards)
        await self.tell(rand(2), choice(9), default_rng().random(), RandomState().rand(), cards, seed(3), rand())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
