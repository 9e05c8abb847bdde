# expected: exception: addresses
"""An exception whose text has an object in it."""

from distbench import Algorithm, PeerId, distbench, handler


class Thing:
    pass


@distbench
class ExceptionsWithAddresses(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        try:
            {}[Thing()]
        except KeyError as error:
            await self.tell(error)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
