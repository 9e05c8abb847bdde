# expected: repeatable
"""The size of the terminal, and text wrapped to it."""

import textwrap

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TerminalSize(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(textwrap.fill("the quick brown fox jumps over the lazy dog", 20))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
