# expected: repeatable
# from python: exception: imported before
"""A measurement with timeit, whose default timer was bound long ago."""

import timeit

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class MeasuredByTimeit(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(timeit.timeit("pass", number=1), timeit.default_timer())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
