# expected: repeatable
"""A list that is a class attribute is each node's own."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ClassState(Algorithm):
    looked = 0

    seen: list[int] = []

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        self.seen.append(len(self.seen))
        await self.tell(self.seen)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
