# expected: exception: earlier runs
# needs: numpy
# from python: exception: imported before
"""A generator of numpy made when the file is imported."""

import numpy as np

from distbench import Algorithm, PeerId, distbench, handler

RNG = np.random.default_rng()
OLD = np.random.RandomState()


@distbench
class NumpyAtModuleLevel(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(RNG.random(), OLD.rand())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
