# expected: repeatable
"""Enums in sets."""

import enum

from distbench import Algorithm, PeerId, distbench, handler


class Colour(enum.Enum):
    RED = 1
    GREEN = 2
    BLUE = 3
    BLACK = 4


class Flag(enum.Flag):
    A = enum.auto()
    B = enum.auto()
    C = enum.auto()


@distbench
class SetsOfEnums(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell([each.name for each in set(Colour)], [each.name for each in set(Flag)], Flag.A | Flag.B)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
