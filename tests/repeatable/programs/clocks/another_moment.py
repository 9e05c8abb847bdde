# expected: repeatable
"""A given moment in local time."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class AnotherMoment(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            time.ctime(0), tuple(time.localtime(1_600_000_000)), time.mktime((2021, 7, 1, 12, 0, 0, 0, 0, -1))
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
