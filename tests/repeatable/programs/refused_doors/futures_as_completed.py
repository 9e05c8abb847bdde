# expected: refused: concurrent
"""concurrent.futures.as_completed of what will not come."""

import concurrent.futures

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class FuturesAsCompleted(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        list(concurrent.futures.as_completed([concurrent.futures.Future()], timeout=0.05))
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
