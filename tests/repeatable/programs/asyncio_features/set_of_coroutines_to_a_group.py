# expected: exception: addresses
"""A set of coroutines, each given to a TaskGroup."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfCoroutinesToAGroup(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def work(number: int) -> None:
            heard.append(number)
            await asyncio.sleep(0)
            heard.append(-number)

        async with asyncio.TaskGroup() as group:
            for each in {work(number) for number in range(1, 12)}:
                group.create_task(each)
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
