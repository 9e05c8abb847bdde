# expected: repeatable
"""from time import *, and so on."""

from star import date, datetime, monotonic, randint, random, shuffle, time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class StarImports(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        cards = list(range(6))
        shuffle(cards)
        await self.tell(time(), monotonic(), random(), randint(1, 99), datetime.now(), date.today(), cards)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
