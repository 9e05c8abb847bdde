# expected: repeatable
"""Other zones, from the database."""

from datetime import datetime
from zoneinfo import ZoneInfo

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Zones(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            datetime.now(ZoneInfo("Asia/Tokyo")), datetime(2020, 7, 1, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
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
