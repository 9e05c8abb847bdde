# expected: repeatable
"""No sleep measures short, whatever was read meanwhile."""

import asyncio
import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class MeasuredSleep(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        for _ in range(5):
            time.time()
        began = time.perf_counter()
        await asyncio.sleep(1)
        took = time.perf_counter() - began
        assert took >= 1
        await self.tell(took)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
