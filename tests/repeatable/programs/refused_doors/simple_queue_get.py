# expected: refused: queue get
"""The queue in C."""

import queue

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SimpleQueueGet(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        queue.SimpleQueue().get()
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
