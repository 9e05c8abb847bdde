# expected: repeatable
"""What never waits: get_nowait, wait(0), acquire(timeout=0)."""

import queue
import threading

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NowaitOfQueues(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        seen = []
        try:
            queue.Queue().get_nowait()
        except queue.Empty as error:
            seen.append(repr(error))
        try:
            queue.Queue().get(block=False)
        except queue.Empty as error:
            seen.append(repr(error))
        lock = threading.Lock()
        with lock:
            seen.append(lock.acquire(False))
        seen.append(threading.Event().wait(0))
        seen.append(threading.Semaphore(0).acquire(blocking=False))
        await self.tell(seen)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
