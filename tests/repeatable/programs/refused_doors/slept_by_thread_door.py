# expected: refused: wait
"""threading.Event().wait used as a sleep, by a name of its own."""

import threading

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SleptByThreadDoor(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        pause = threading.Event().wait
        pause(0.01)
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
