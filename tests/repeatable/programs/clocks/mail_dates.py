# expected: repeatable
"""Dates as letters carry them."""

import email.utils
import http.cookiejar

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class MailDates(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(email.utils.formatdate(localtime=True), email.utils.formatdate(), email.utils.localtime())
        await self.tell(http.cookiejar.time2netscape(), http.cookiejar.time2isoz())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
