# expected: repeatable
"""SystemRandom, made in the step and before."""

import random
from random import SystemRandom
from secrets import SystemRandom as Secret

from distbench import Algorithm, PeerId, distbench, handler

BEFORE = SystemRandom()


@distbench
class SystemGenerators(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            BEFORE.random(),
            SystemRandom().randrange(99),
            Secret().getrandbits(20),
            random.SystemRandom().sample(range(9), 3),
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
