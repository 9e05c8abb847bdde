# expected: fails: RuntimeError: This event loop is already running
"""loop.run_until_complete inside a handler."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NestedUntilComplete(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work() -> int:
            await asyncio.sleep(0.1)
            return 1

        await self.tell(asyncio.get_running_loop().run_until_complete(work()))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
