# expected: repeatable
"""An async generator dropped in a cycle ends where the collector finds it."""

import asyncio
import gc
import time

from distbench import Algorithm, PeerId, distbench, handler

heard: list[object] = []


class Holder:
    pass


@distbench
class GeneratorInACycle(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def numbers():
            try:
                yield 1
                yield 2
            finally:
                heard.append((self.id(), time.time()))
                await asyncio.sleep(0)
                heard.append((self.id(), "later"))

        heard.clear()
        holder = Holder()
        holder.self = holder
        holder.numbers = numbers()
        await anext(holder.numbers)
        del holder
        await asyncio.sleep(0.1)
        gc.collect()
        await asyncio.sleep(0.1)
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
