# expected: repeatable
"""uuid.getnode and the ids that are made of it."""

import uuid

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class HardwareAddress(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(uuid.getnode(), uuid.uuid1(), uuid.uuid1().node, uuid.uuid1(clock_seq=5))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
