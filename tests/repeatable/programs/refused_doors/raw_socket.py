# expected: refused: socket
"""A socket by the door below socket."""

import _socket

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RawSocket(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        _socket.socket()
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
