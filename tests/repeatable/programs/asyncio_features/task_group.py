# expected: repeatable
"""A TaskGroup in which one fails."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TaskGroup(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def work(number: int) -> None:
            try:
                await asyncio.sleep(number)
                if number == 2:
                    raise ValueError(number)
                heard.append(number)
            finally:
                heard.append(("finally", number))

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(5):
                    group.create_task(work(number))
        except* ValueError as errors:
            heard.append(repr(errors))
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
