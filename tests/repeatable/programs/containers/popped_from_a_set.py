# expected: repeatable
"""set.pop takes whichever comes first."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class PoppedFromASet(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        words = set("one two three four five six seven".split())
        await self.tell([words.pop() for _ in range(3)], words - {"one"}, words | {"eight"})

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
