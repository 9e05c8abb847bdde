# expected: repeatable
"""uuid3 and uuid5, and what they are made of."""

import uuid

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NamesInANamespace(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(uuid.uuid3(uuid.NAMESPACE_DNS, self.id()), uuid.uuid5(uuid.NAMESPACE_URL, self.id()))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
