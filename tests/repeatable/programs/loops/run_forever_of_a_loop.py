# expected: fails: RuntimeError: This event loop is already running
"""loop.run_forever() inside a handler."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RunForeverOfALoop(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        loop.run_forever()
        await self.tell("done")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
