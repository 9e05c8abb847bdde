# expected: repeatable
"""Random bytes of OpenSSL."""

import ssl

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SslBytes(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(ssl.RAND_bytes(8).hex())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
