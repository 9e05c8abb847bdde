# expected: repeatable
"""Modules of the library that draw when they are first imported."""

import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class FirstImportInAStep(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        before = random.getstate()[1][-1]
        import mailbox  # noqa: E402
        import xmlrpc.client  # noqa: E402

        await self.tell(random.random(), before, mailbox.Maildir.__name__, xmlrpc.client.MAXINT)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
