# expected: repeatable
"""Timer handles and handles in sets, cancelled in their order."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfTimerHandles(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        heard = []
        timers = {loop.call_later(0.001 * number, heard.append, number) for number in range(10)}
        handles = {loop.call_soon(heard.append, -number) for number in range(10)}
        for number, timer in enumerate(timers):
            if number % 3 == 0:
                timer.cancel()
        for number, handle in enumerate(handles):
            if number % 3 == 1:
                handle.cancel()
        await asyncio.sleep(1)
        await self.tell(heard, [round(timer.when() - loop.time(), 3) for timer in timers])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
