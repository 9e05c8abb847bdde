# expected: repeatable
"""functools.partial(random.randint, 1, 6) at module level."""

from partials import dice, nested, now, stamp

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class PartialFunctions(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(stamp(), dice(), nested(), now())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
