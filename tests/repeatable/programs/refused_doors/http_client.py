# expected: refused: http.client.HTTPConnection.request()
"""http.client."""

import http.client

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class HttpClient(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        http.client.HTTPConnection("127.0.0.1", 9, timeout=0.1).request("GET", "/")
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
