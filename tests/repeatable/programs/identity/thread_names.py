# expected: repeatable
"""Threads by name, and how many there are."""

import threading

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ThreadNames(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(threading.current_thread().name, threading.current_thread() is threading.main_thread())
        await self.tell(threading.active_count(), [each.name for each in threading.enumerate()])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
