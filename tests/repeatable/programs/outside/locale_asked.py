# expected: exception: the outside
"""What locale it is."""

import locale
import sys

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class LocaleAsked(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(locale.getlocale(), sys.getdefaultencoding(), locale.localeconv()["decimal_point"])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
