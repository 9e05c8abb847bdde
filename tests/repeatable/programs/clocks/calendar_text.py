# expected: repeatable
"""Names of days and months."""

import calendar
import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class CalendarText(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        year, month = time.localtime()[:2]
        await self.tell(
            calendar.month(year, month), calendar.day_name[0], calendar.month_abbr[3], calendar.timegm(time.gmtime())
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
