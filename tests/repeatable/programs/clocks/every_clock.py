# expected: repeatable
"""All that the module time can tell."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class EveryClock(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        names = ["time", "monotonic", "perf_counter", "process_time", "thread_time"]
        await self.tell([getattr(time, name)() for name in names], [getattr(time, f"{name}_ns")() for name in names])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
