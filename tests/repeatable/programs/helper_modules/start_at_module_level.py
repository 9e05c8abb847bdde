# expected: repeatable
# from python: exception: imported before
"""START = time.time() when the module was imported."""

import time

from starting_time import BEGAN, MONO, START

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class StartAtModuleLevel(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(time.time() - START, BEGAN, MONO)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
