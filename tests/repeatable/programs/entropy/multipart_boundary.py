# expected: repeatable
"""Ids of letters and boundaries, which the library draws."""

import email.generator
import email.utils

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class MultipartBoundary(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(email.utils.make_msgid(domain="here"), email.generator._make_boundary())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
