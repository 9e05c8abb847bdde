# expected: repeatable
"""What a timeout says of its end."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TimeoutWhen(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async with asyncio.timeout(3) as limit:
            await self.tell(limit.when())
            limit.reschedule(asyncio.get_running_loop().time() + 1)
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + 0.1) as other:
                await asyncio.sleep(1)
        except TimeoutError:
            await self.tell(other.when(), other.expired(), repr(other))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
