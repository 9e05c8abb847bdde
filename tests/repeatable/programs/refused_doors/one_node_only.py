# expected: refused: time.sleep()
"""One node does what is refused; the others go on."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class OneNodeOnly(Algorithm):
    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.hear("hello")

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        if self.id() == "n2":
            time.sleep(0.01)
        await self.peers[src].heard(text)

    @handler
    async def heard(self, src: PeerId, text: str) -> None: ...
