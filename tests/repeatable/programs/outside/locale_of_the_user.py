# expected: repeatable
"""The user's locale, as programs set it at their start."""

import locale
import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class LocaleOfTheUser(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        before = locale.setlocale(locale.LC_ALL)
        try:
            locale.setlocale(locale.LC_ALL, "")
        except locale.Error as error:
            await self.tell(error)
        await self.tell(
            time.strftime("%A %B %c"),
            locale.format_string("%.2f", 12345.678, grouping=True),
            locale.localeconv()["decimal_point"],
        )
        locale.setlocale(locale.LC_ALL, before)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
