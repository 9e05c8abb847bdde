# expected: exception: C libraries
# needs: numpy
"""The present as numpy tells it, which it reads in C."""

import numpy as np

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NumpyDates(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(np.datetime64("now"), np.datetime64("today"), np.datetime64("2020-01-01"))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
