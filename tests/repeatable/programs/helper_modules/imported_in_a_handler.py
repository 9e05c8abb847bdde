# expected: repeatable
"""A module imported inside a step must not show whether it was there before."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ImportedInAHandler(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        from late_one import now

        await self.tell(now())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
