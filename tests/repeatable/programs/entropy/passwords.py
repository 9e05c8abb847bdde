# expected: repeatable
"""Salted digests, as for passwords."""

import hashlib
import hmac
import secrets

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Passwords(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        salt = secrets.token_bytes(8)
        await self.tell(
            hashlib.pbkdf2_hmac("sha256", b"password", salt, 10).hex(), hmac.new(salt, b"a", "sha1").hexdigest()
        )

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
