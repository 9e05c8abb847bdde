# expected: repeatable
"""Local time, which is UTC in a run."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class BrokenDown(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            tuple(time.localtime()), tuple(time.gmtime()), time.localtime().tm_zone, time.localtime().tm_gmtoff
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
