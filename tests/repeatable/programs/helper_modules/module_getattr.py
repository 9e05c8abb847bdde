# expected: repeatable
"""A module with __getattr__, that keeps the functions in a dictionary."""

import lazy_names

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ModuleGetattr(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(lazy_names.now(), lazy_names.dice(), lazy_names.stamp())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
