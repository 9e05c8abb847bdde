# expected: repeatable
"""Names and lines of the frames above."""

import inspect
import sys

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Frames(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            sys._getframe().f_lineno, sys._getframe().f_code.co_name, inspect.currentframe().f_code.co_qualname
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
