# expected: refused: sleep
"""sleep by lambda in a table."""

import time

from distbench import Algorithm, PeerId, distbench, handler

TABLE = {"sleep": lambda seconds: time.sleep(seconds)}


@distbench
class ClockNanosleep(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        TABLE["sleep"](0.01)
        await self.tell("went on")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
