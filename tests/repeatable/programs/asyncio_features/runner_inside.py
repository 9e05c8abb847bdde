# expected: fails: RuntimeError: asyncio.run() cannot be called from a running event loop
"""asyncio.run inside a handler."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RunnerInside(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work() -> int:
            return 1

        await self.tell(asyncio.run(work()))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
