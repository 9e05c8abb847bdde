# expected: exception: earlier runs
"""How many refer to an object that all share."""

import sys

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ReferenceCounts(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(sys.getrefcount(object), sys.getallocatedblocks())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
