# expected: repeatable
"""The processor's time that the process has used."""

import resource

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ResourceUsage(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(resource.getrusage(resource.RUSAGE_SELF).ru_utime)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
