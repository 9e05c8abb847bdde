# expected: repeatable
"""Seconds since midnight, and whether a clock has begun."""

import time
from datetime import datetime

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SinceMidnight(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        now = datetime.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        begun = time.time()
        await self.tell((now - midnight).total_seconds(), "begun" if begun else "not begun")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
