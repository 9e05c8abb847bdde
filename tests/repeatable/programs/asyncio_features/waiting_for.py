# expected: repeatable
"""wait_for, shield and cancellation."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class WaitingFor(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        heard = []

        async def slow() -> str:
            await asyncio.sleep(2)
            return "slow"

        task = asyncio.create_task(slow())
        try:
            await asyncio.wait_for(asyncio.shield(task), 0.5)
        except TimeoutError:
            heard.append(("timeout", loop.time()))
        heard.append(await task)
        try:
            await asyncio.wait_for(slow(), 0.5)
        except TimeoutError as error:
            heard.append(("timeout", repr(error), loop.time()))
        await self.tell(heard, task.get_name())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
