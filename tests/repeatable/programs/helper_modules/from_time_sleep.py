# expected: refused: time.sleep()
"""A module that did 'from time import sleep', and then would really sleep."""

import early_sleep

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class FromTimeSleep(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        early_sleep.pause()
        await self.tell("slept")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
