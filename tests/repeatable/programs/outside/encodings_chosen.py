# expected: exception: the outside
"""Encodings that the environment chooses."""

import locale
import os
import sys

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class EncodingsChosen(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            locale.getpreferredencoding(False),
            sys.getfilesystemencoding(),
            sys.stdout.encoding,
            os.environ.get("LC_ALL"),
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
