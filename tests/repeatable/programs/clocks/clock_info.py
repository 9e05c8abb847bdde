# expected: repeatable
"""What Python says of its clocks."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ClockInfo(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell([time.get_clock_info(name).resolution for name in ("time", "monotonic", "perf_counter")])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
