# expected: repeatable
"""A concurrent future, whose result is asked for when it is there."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class CoroutineThreadsafeLater(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work() -> int:
            await asyncio.sleep(0.1)
            return 7

        future = asyncio.run_coroutine_threadsafe(work(), asyncio.get_running_loop())
        await self.tell(await asyncio.wrap_future(future), future.result(), future.done())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
