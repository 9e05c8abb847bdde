# expected: repeatable
"""Numbers whose hash might be an address: nan."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetsOfUnusualNumbers(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        nans = {float("nan"): number for number in range(3)}
        await self.tell(len(nans), list(nans.values()), list({float("inf"), float("-inf"), 0.1, complex(1, 2)}))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
