# expected: repeatable
# from python: exception: imported before
"""What a module read at its top level, when a handler imported it first."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class LateTopLevel(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        import late_two

        await self.tell(late_two.AT, late_two.LUCK, late_two.KEY)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
