# expected: repeatable
"""A class that inherits from datetime."""

from datetime import datetime, timedelta

from distbench import Algorithm, PeerId, distbench, handler


class Stamp(datetime):
    def later(self) -> datetime:
        return self + timedelta(seconds=1)


@distbench
class SubclassOfDatetime(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(Stamp.now().later(), Stamp.utcnow(), Stamp.today(), Stamp.fromtimestamp(0))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
