# expected: repeatable
"""Names made from the process and the host, as lock files have them."""

import os
import socket
import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class PidInLogNames(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(f"{socket.gethostname()}.{os.getpid()}.{time.time():.6f}")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
