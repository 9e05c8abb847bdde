# expected: repeatable
# needs: dateutil
"""Dates by dateutil, whose zones read the system's."""

from datetime import datetime

from dateutil import parser, relativedelta, tz

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class DateutilZones(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            datetime.now(tz.tzlocal()), parser.parse("10:30"), datetime.now() + relativedelta.relativedelta(months=1)
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
