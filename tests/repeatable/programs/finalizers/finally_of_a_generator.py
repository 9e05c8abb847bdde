# expected: repeatable
"""A plain generator's finally, when it is dropped."""

import time

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class FinallyOfAGenerator(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []

        def numbers():
            try:
                yield 1
            finally:
                heard.append(time.time())

        for _ in range(3):
            next(numbers())
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
