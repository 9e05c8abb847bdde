# expected: repeatable
"""Weak values, which go with the last reference."""

import weakref

from distbench import Algorithm, PeerId, distbench, handler


class Thing:
    pass


@distbench
class WeakDictionaries(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        kept = {name: Thing() for name in "abc"}
        weak = weakref.WeakValueDictionary(kept)
        del kept["b"]
        await self.tell(list(weak), len(weak))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
