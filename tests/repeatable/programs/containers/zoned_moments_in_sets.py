# expected: repeatable
"""Aware datetimes in sets, and zones."""

import datetime

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ZonedMomentsInSets(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        zones = [datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=2))]
        moments = {datetime.datetime(2020, 1, 1, hour, tzinfo=zone) for hour in range(6) for zone in zones}
        await self.tell(list(moments), list({datetime.timedelta(seconds=number) for number in range(6)}))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
