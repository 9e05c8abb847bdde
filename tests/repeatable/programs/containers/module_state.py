# expected: exception: earlier runs
"""A counter at module level goes on from one run of a process to the next."""

import itertools

from distbench import Algorithm, PeerId, distbench, handler

COUNTER = itertools.count()


@distbench
class ModuleState(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(next(COUNTER))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
