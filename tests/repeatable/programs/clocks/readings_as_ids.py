# expected: repeatable
"""Three readings in a row are three ids, kept by the peer in a dictionary."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ReadingsAsIds(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        ids = [time.time_ns(), time.time_ns(), time.time_ns()]
        await self.tell(len(set(ids)), ids)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
