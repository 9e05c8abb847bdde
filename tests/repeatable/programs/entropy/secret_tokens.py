# expected: repeatable
"""All of the module secrets."""

import secrets

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SecretTokens(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            secrets.token_hex(4),
            secrets.token_urlsafe(4),
            secrets.randbelow(100),
            secrets.choice("abcdef"),
            secrets.randbits(9),
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
