# expected: exception: addresses
# needs: numpy
"""Where an array lies in memory."""

import numpy as np

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NumpyAddresses(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(np.zeros(3).ctypes.data, np.zeros(3).__array_interface__["data"][0])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
