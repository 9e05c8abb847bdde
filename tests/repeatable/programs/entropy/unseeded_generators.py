# expected: repeatable
"""random.Random() in a step, and a subclass of it."""

import random

from distbench import Algorithm, PeerId, distbench, handler


class Dice(random.Random):
    def throw(self) -> int:
        return self.randint(1, 6)


@distbench
class UnseededGenerators(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(random.Random().random(), Dice().throw(), random.Random(None).getrandbits(30), Dice().random())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
