# expected: repeatable
"""gc.collect by hand, and whether the collector is on."""

import gc

from distbench import Algorithm, PeerId, distbench, handler


class Thing:
    pass


@distbench
class CollectorByHand(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        gc.collect()
        for _ in range(7):
            thing = Thing()
            thing.me = thing
        del thing
        found = gc.collect()
        await self.tell(gc.isenabled(), found >= 7)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
