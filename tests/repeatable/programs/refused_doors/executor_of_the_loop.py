# expected: refused: run_in_executor
"""run_in_executor(None, ...)."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ExecutorOfTheLoop(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, sum, [1])
        await self.tell("went on")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
