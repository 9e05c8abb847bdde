# expected: repeatable
# needs: numpy
"""numpy imported in a handler."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NumpyInAHandler(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        import numpy as np

        await self.tell(np.random.rand(), np.random.default_rng().random())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
