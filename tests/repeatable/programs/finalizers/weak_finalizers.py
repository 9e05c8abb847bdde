# expected: repeatable
"""weakref.finalize with and without a cycle."""

import asyncio
import gc
import time
import weakref

from distbench import Algorithm, PeerId, distbench, handler


class Thing:
    pass


@distbench
class WeakFinalizers(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        plain, cycle = Thing(), Thing()
        cycle.me = cycle
        weakref.finalize(plain, lambda: heard.append(("plain", time.time())))
        weakref.finalize(cycle, lambda: heard.append(("cycle", time.time())))
        del plain, cycle
        await asyncio.sleep(0.1)
        gc.collect()
        await self.tell(heard)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
