# expected: repeatable
"""functools.wraps and properties around a clock."""

from datetime import datetime

from wrapped import Reading, call, now

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class WrappedClocks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        reading = Reading()
        await self.tell(now(), reading.value, reading.lazily, call(datetime))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
