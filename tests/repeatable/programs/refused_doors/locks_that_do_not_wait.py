# expected: repeatable
"""Locks, queues and events that need not wait are no harm."""

import concurrent.futures
import queue
import threading

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class LocksThatDoNotWait(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        lock, event, waiting = threading.RLock(), threading.Event(), queue.Queue(3)
        with lock, lock:
            waiting.put(1)
            waiting.put_nowait(2)
        event.set()
        done = concurrent.futures.Future()
        done.set_result(5)
        plain = threading.Lock()
        taken = [plain.acquire(), plain.acquire(blocking=False), plain.locked()]
        plain.release()
        condition = threading.Condition()
        with condition:
            condition.notify_all()
        await self.tell(
            event.wait(), waiting.get(), waiting.get(timeout=1), waiting.empty(), done.result(), taken, event.is_set()
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
