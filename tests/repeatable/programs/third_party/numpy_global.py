# expected: repeatable
# needs: numpy
"""numpy's global generator."""

import numpy as np

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NumpyGlobal(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(np.random.rand(), np.random.randint(1000), np.random.permutation(5), np.random.normal())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
