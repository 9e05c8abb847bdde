# expected: exception: earlier runs
"""How many objects there are, and the collector's counts."""

import gc

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class CollectedObjects(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(len(gc.get_objects()), gc.get_count(), gc.get_threshold(), gc.get_stats()[0])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
