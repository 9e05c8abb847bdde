# expected: exception: earlier runs
"""A cache at module level remembers an earlier run."""

import functools

from distbench import Algorithm, PeerId, distbench, handler


@functools.cache
def first(answer: int, asked=[]) -> int:
    asked.append(answer)
    return len(asked)


@distbench
class CachedAtModuleLevel(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell([first(self.random.randrange(1000)) for _ in range(5)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
