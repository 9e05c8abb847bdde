# expected: repeatable
"""An object made at import keeps the function of the clock in its attribute."""

import bound_instances

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class InstancesWithClocks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        cards = list(range(8))
        bound_instances.SHUFFLE(cards)
        await self.tell(bound_instances.CLOCK.read(), cards, bound_instances.GAUSS(0, 1))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
