# expected: repeatable
"""Cycles with finalizers that read the clock and draw, collected while the run goes on."""

import asyncio
import random
import time

from distbench import Algorithm, PeerId, distbench, handler


class Noisy:
    def __init__(self, heard: list[object]) -> None:
        self.heard = heard
        self.me = self

    def __del__(self) -> None:
        self.heard.append((round(time.time(), 6), random.random()))


@distbench
class GarbageWhileRunning(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard: list[object] = []
        for turn in range(60):
            Noisy(heard)
            if turn % 20 == 0:
                await asyncio.sleep(0.01)
                await self.tell(turn, len(heard), random.random(), time.time())
        await self.tell(heard)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
