# expected: repeatable
"""Deadlines reckoned from the loop's clock."""

import asyncio
import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Deadlines(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(7):
            time.monotonic()
        done = loop.create_future()
        loop.call_at(loop.time() + 0.5, done.set_result, None)
        deadline = time.monotonic() + 0.5
        await done
        await self.tell(deadline, loop.time(), time.monotonic() - deadline)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
