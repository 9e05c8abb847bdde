# expected: repeatable
"""A closure that was made at import keeps time.time."""

import closures

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ClockInAClosure(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(closures.CLOCK(), closures.DICE())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
