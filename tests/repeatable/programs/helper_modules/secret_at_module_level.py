# expected: repeatable
# from python: exception: imported before
"""A token drawn when the file is imported."""

import secrets
import uuid

from distbench import Algorithm, PeerId, distbench, handler

TOKEN = secrets.token_hex(8)
SESSION = uuid.uuid4()


@distbench
class SecretAtModuleLevel(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(TOKEN, SESSION)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
