# expected: repeatable
"""The hash of texts and bytes, which the hash seed fixes."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class HashOfTexts(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(hash("text"), hash(b"bytes"), hash((1, "a")), hash(frozenset({"a", "b"})), hash(1.5))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
