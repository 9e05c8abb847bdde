# expected: repeatable
# python: 3.14
"""uuid6, uuid7 and uuid8."""

import uuid

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NewerUuids(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(uuid.uuid6(), uuid.uuid7(), uuid.uuid7(), uuid.uuid8())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
