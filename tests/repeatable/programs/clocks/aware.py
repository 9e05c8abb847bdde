# expected: repeatable
"""A naive datetime is taken for local time."""

from datetime import datetime

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Aware(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(datetime(2020, 7, 1, 12).astimezone(), datetime(2020, 7, 1, 12).timestamp())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
