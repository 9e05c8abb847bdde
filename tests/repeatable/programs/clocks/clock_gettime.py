# expected: repeatable
"""The system's clocks by their numbers."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ClockGettime(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        clocks = [
            time.CLOCK_REALTIME,
            time.CLOCK_MONOTONIC,
            time.CLOCK_PROCESS_CPUTIME_ID,
            time.CLOCK_THREAD_CPUTIME_ID,
        ]
        await self.tell([time.clock_gettime(each) for each in clocks], [time.clock_gettime_ns(each) for each in clocks])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
