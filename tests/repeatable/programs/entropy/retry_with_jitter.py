# expected: repeatable
"""Retries with exponential backoff and jitter."""

import asyncio
import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RetryWithJitter(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        for attempt in range(4):
            await asyncio.sleep(random.uniform(0, 2**attempt / 100))
            await self.tell(attempt, asyncio.get_running_loop().time())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
