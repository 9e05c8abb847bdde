# expected: refused: Lock acquire
"""A held lock with a timeout."""

import threading

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class LockWithTimeout(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        lock = threading.Lock()
        with lock:
            lock.acquire(timeout=0.05)
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
