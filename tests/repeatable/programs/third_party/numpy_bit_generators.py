# expected: repeatable
# needs: numpy
"""Bit generators and seed sequences."""

import numpy as np

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NumpyBitGenerators(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            np.random.SeedSequence().entropy, np.random.PCG64().random_raw(), np.random.MT19937().random_raw()
        )
        await self.tell(
            np.random.Philox().random_raw(), np.random.SFC64().random_raw(), np.random.SeedSequence(5).generate_state(2)
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
