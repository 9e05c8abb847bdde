# expected: refused: Barrier wait
"""A barrier of two, alone."""

import threading

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class BarrierWait(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        threading.Barrier(2).wait(1)
        await self.tell("went on")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
