# expected: repeatable
"""Names that asyncio gave by itself."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NamesOfTasks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def work() -> str:
            return asyncio.current_task().get_name()

        made = [asyncio.create_task(work()) for _ in range(3)]
        await self.tell(
            asyncio.current_task().get_name(), [each.get_name() for each in made], await asyncio.gather(*made)
        )

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
