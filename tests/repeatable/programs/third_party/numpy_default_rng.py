# expected: repeatable
# needs: numpy
"""A generator of numpy that seeds itself."""

import numpy as np

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NumpyDefaultRng(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            np.random.default_rng().random(), np.random.RandomState().rand(), np.random.default_rng().integers(99)
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
