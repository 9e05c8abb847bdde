# expected: repeatable
"""Sets of texts, numbers and tuples."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetsOfTexts(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        words = set("the quick brown fox jumps over the lazy dog".split())
        await self.tell(
            list(words), list({(1, "a"), (2, "b"), (3, "c")}), list({1.5, 2.5, True, 10**20}), list(frozenset(b"bytes"))
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
