# expected: repeatable
"""An async generator that is left early with break."""

import asyncio
import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class GeneratorLeftEarly(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        async def numbers():
            try:
                for number in range(9):
                    yield number
            finally:
                heard.append(random.random())

        async for number in numbers():
            if number == 2:
                break
        await asyncio.sleep(0)
        heard.append("after")
        await asyncio.sleep(0.01)
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
