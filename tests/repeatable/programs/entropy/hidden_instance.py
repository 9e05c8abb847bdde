# expected: repeatable
"""Methods of the module's hidden generator."""

import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class HiddenInstance(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(random._inst.random(), random._inst.randint(1, 1000))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
