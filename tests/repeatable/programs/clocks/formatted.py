# expected: repeatable
"""Time as text, in the words of the locale."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Formatted(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(time.ctime(), time.asctime(), time.strftime("%c %x %X %A %B %p %Z %z"))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
