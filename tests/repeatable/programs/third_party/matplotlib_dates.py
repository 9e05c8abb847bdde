# expected: repeatable
# needs: matplotlib
"""Dates as matplotlib numbers them."""

from datetime import datetime

import matplotlib.dates

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class MatplotlibDates(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(matplotlib.dates.date2num(datetime.now()), matplotlib.dates.num2date(1))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
