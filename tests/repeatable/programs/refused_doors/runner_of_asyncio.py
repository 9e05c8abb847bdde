# expected: refused: run
"""asyncio.Runner inside a handler."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RunnerOfAsyncio(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work() -> None: ...

        work = work()
        try:
            with asyncio.Runner() as runner:
                runner.run(work)
        finally:
            work.close()
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
