# expected: repeatable
"""A program that sets the loop's debug mode."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class DebugMode(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 0.5
        await asyncio.sleep(0.1)
        await self.tell(loop.slow_callback_duration)
        loop.set_debug(False)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
