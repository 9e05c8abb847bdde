# expected: repeatable
"""Numbers as text, and floats that add up."""

import math
import statistics

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NumberTexts(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        numbers = [0.1 * number for number in range(10)]
        await self.tell(
            f"{math.pi:n} {1e6:,.2f}", sum(numbers), math.fsum(numbers), statistics.stdev(numbers), float("1.5")
        )

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
