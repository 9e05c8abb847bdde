# expected: repeatable
"""The present as datetime tells it."""

from datetime import date, datetime, timezone

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Datetimes(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(datetime.now(), datetime.utcnow(), datetime.today(), date.today(), datetime.now(timezone.utc))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
