# expected: exception: addresses
"""repr of code, functions and modules."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class CodeObjects(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(self.look.__func__.__code__, time, lambda: 1)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
