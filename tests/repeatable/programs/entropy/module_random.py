# expected: repeatable
"""All of the module random."""

import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ModuleRandom(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        cards = list(range(10))
        random.shuffle(cards)
        await self.tell(
            cards,
            random.random(),
            random.gauss(0, 1),
            random.choices("abc", k=4),
            random.expovariate(1),
            random.betavariate(1, 2),
        )
        await self.tell(
            random.getrandbits(64),
            random.randbytes(4).hex(),
            random.uniform(0, 1),
            random.triangular(),
            random.normalvariate(),
        )

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
