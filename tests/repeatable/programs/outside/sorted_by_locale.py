# expected: repeatable
"""Sorted as the locale sorts."""

import locale

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SortedByLocale(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        words = ["zebra", "Äpfel", "apple", "Zebra"]
        await self.tell(sorted(words, key=locale.strxfrm), sorted(words), locale.strcoll("a", "B") > 0)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
