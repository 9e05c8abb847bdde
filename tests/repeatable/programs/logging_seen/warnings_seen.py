# expected: repeatable
"""Warnings, caught and counted."""

import warnings

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class WarningsSeen(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn("one", stacklevel=1)
            warnings.warn("two", DeprecationWarning, stacklevel=1)
        await self.tell([(str(each.message), each.category.__name__, each.lineno) for each in caught])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
