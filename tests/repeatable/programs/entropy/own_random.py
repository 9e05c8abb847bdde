# expected: repeatable
"""The node's own stream and choices."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class OwnRandom(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(self.random.random(), self.choice(["a", "b", "c"]), self.random.sample(range(9), 3))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
