# expected: repeatable
"""A busy wait ends, as each reading is later than the last."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ElapsedInALoop(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        until = time.monotonic() + 0.0005
        turns = 0
        while time.monotonic() < until:
            turns += 1
        await self.tell(turns)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
