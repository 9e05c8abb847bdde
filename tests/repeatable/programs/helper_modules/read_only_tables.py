# expected: repeatable
# from python: exception: imported before
"""A clock behind a MappingProxyType."""

from proxies import CLOCKS

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ReadOnlyTables(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell({name: clock() for name, clock in CLOCKS.items()})

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
