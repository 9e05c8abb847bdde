# expected: exception: addresses
"""Exceptions in a set."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetsOfExceptions(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        errors = {ValueError(number) for number in range(20)}
        await self.tell([error.args for error in errors])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
