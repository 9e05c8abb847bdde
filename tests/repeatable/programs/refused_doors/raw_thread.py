# expected: refused: _thread
"""A thread by the door below threading."""

import _thread

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RawThread(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        _thread.start_new_thread(print, ())
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
