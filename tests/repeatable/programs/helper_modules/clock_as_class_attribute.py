# expected: repeatable
"""class Timed: clock = staticmethod(time.monotonic)."""

from attributes import Sub, Timed

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ClockAsClassAttribute(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(Timed().reading(), Sub().reading(), Timed.make(), Sub.pick(range(1000)))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
