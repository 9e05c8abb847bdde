# expected: repeatable
"""A task whose future nobody holds."""

import asyncio
import gc

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TaskDestroyed(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def waits() -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                heard.append("ended")

        asyncio.create_task(waits())
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
