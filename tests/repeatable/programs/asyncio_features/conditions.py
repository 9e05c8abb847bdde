# expected: repeatable
"""A condition with several that wait."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Conditions(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        condition = asyncio.Condition()

        async def waits(number: int) -> None:
            async with condition:
                await condition.wait_for(lambda: len(heard) >= number)
                heard.append(number)
                condition.notify_all()

        tasks = [asyncio.create_task(waits(number)) for number in (3, 1, 0, 2)]
        await asyncio.gather(*tasks)
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
