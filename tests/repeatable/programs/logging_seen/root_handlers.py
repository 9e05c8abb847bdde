# expected: repeatable
# doors: differ
"""How many handlers the root has; a test for 'if not root.handlers'."""

import logging

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RootHandlers(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(len(logging.root.handlers), bool(logging.getLogger("distbench").handlers))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
