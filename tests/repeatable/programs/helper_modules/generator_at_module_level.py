# expected: repeatable
# from python: exception: imported before
"""RNG = random.Random() in a module that was imported before the run."""

from own_generator import RNG

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class GeneratorAtModuleLevel(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(RNG.random(), RNG.getrandbits(32))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
