# expected: repeatable
"""Clocks in dictionaries, lists, tuples and namespaces."""

from tables import CLOCKS, DEEP, LIST, SPACE

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class FunctionsInTables(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell({name: clock() for name, clock in CLOCKS.items()})
        await self.tell(LIST[0](), LIST[1](), LIST[2][0](), LIST[2][1](9), DEEP["a"][0]["b"][0]())
        await self.tell(SPACE.now(), SPACE.pick(range(99))["now"]())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
