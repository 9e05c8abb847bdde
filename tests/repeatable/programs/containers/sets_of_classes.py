# expected: exception: addresses
"""Classes and functions in sets."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetsOfClasses(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        kinds = {int, str, float, list, dict, tuple, ValueError, KeyError, type(self)}
        await self.tell([each.__name__ for each in kinds], [each.__name__ for each in {len, print, sorted, min, max}])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
