# expected: repeatable
"""Timeouts within timeouts, and what their errors say."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TimeoutsNested(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        try:
            async with asyncio.timeout(0.3):
                try:
                    async with asyncio.timeout(0.1):
                        await asyncio.sleep(1)
                except TimeoutError as error:
                    heard.append(("inner", str(error), type(error.__cause__).__name__))
                await asyncio.sleep(1)
        except TimeoutError:
            heard.append(("outer", asyncio.get_running_loop().time()))
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
