# expected: repeatable
"""Futures in a set, resolved in its order."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfFutures(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        heard = []
        futures = {loop.create_future() for _ in range(9)} | {asyncio.Future() for _ in range(9)}
        for number, future in enumerate(futures):
            future.add_done_callback(lambda done, number=number: heard.append((number, done.result())))
        for number, future in enumerate(futures):
            future.set_result(number)
        await asyncio.sleep(0)
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
