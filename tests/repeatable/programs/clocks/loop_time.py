# expected: repeatable
"""The loop's time and the monotonic clock have one base."""

import asyncio
import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class LoopTime(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        before = time.monotonic()
        shown = loop.time()
        await asyncio.sleep(0.25)
        await self.tell(before, shown, loop.time(), time.monotonic(), shown >= before - 1)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
