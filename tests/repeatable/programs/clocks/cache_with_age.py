# expected: exception: earlier runs
"""A cache whose entries go with time, by functools and the clock."""

import asyncio
import functools
import time

from distbench import Algorithm, PeerId, distbench, handler


@functools.lru_cache
def answer(question: str, period: int) -> tuple[str, int]:
    return question, time.time_ns()


@distbench
class CacheWithAge(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        for _ in range(4):
            await self.tell(answer(self.id(), int(time.time())))
            await asyncio.sleep(0.4)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
