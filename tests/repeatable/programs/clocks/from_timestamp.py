# expected: repeatable
"""A time stamp shown in local time."""

import datetime

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class FromTimestamp(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            datetime.datetime.fromtimestamp(1e9), datetime.date.fromtimestamp(1e9), datetime.datetime.now().astimezone()
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
