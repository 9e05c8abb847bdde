# expected: repeatable
"""Frozen dataclasses and named tuples in sets."""

from dataclasses import dataclass
from typing import NamedTuple

from distbench import Algorithm, PeerId, distbench, handler


@dataclass(frozen=True)
class Point:
    x: int
    name: str


class Pair(NamedTuple):
    a: int
    b: str


@distbench
class SetsOfFrozenDataclasses(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            list({Point(number, str(number)) for number in range(9)}), list({Pair(number, "b") for number in range(9)})
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
