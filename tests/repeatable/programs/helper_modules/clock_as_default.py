# expected: repeatable
"""def f(now=time.monotonic), and keywords with defaults."""

from defaults_of_functions import day, draw, moment

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ClockAsDefault(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(moment(), day(), draw())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
