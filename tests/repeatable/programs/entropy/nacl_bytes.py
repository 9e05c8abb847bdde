# expected: repeatable
# needs: nacl
"""Random bytes of libsodium, and a key pair of its own."""

import nacl.signing
import nacl.utils

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NaclBytes(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(nacl.utils.random(8).hex(), bytes(nacl.signing.SigningKey.generate()).hex())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
