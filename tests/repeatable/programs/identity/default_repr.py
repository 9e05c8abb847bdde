# expected: exception: addresses
"""The default repr has an address in it."""

from distbench import Algorithm, PeerId, distbench, handler


class Thing:
    pass


@distbench
class DefaultRepr(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(repr(Thing()), self.look, print)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
