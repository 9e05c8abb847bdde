# expected: refused: os
"""os.spawnlp."""

import os

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class OsSpawn(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        os.spawnlp(os.P_WAIT, "true", "true")
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
