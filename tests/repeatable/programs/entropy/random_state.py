# expected: repeatable
"""The state of the module's generator is kept and put back."""

import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RandomState(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        state = random.getstate()
        first = random.random()
        random.setstate(state)
        await self.tell(first == random.random(), first)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
