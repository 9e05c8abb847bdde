# expected: repeatable
"""Dictionaries keep their order, whatever was taken out."""

import collections

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Dictionaries(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        found = dict.fromkeys("abracadabra")
        found.pop("b")
        found["b"] = 1
        counter = collections.Counter("abracadabra")
        await self.tell(found, counter.most_common(), collections.ChainMap({"a": 1}, {"b": 2}), found.popitem())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
