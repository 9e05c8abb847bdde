# expected: exception: earlier runs
"""How large objects are, and how much memory is used."""

import resource
import sys

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class MemoryUsed(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(sys.getsizeof([]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
