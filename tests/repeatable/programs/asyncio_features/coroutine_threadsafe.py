# expected: refused: result
"""A concurrent future, whose result the loop's own thread waits for."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class CoroutineThreadsafe(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work() -> int:
            await asyncio.sleep(0.1)
            return 7

        future = asyncio.run_coroutine_threadsafe(work(), asyncio.get_running_loop())
        await self.tell(future.result())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
