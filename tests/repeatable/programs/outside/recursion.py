# expected: repeatable
"""The limit of recursion, and what it says."""

import sys

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Recursion(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        def deeper(depth: int) -> int:
            return deeper(depth + 1)

        try:
            deeper(0)
        except RecursionError as error:
            await self.tell(type(error).__name__, sys.getrecursionlimit())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
