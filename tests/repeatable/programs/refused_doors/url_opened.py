# expected: refused: urllib.request.urlopen()
"""urllib.request.urlopen."""

import urllib.request

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class UrlOpened(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        urllib.request.urlopen("http://127.0.0.1:9/", timeout=0.1)
        await self.tell("went on")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
