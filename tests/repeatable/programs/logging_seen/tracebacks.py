# expected: repeatable
"""Tracebacks as text, and what exceptions say."""

import asyncio
import traceback

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Tracebacks(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        async def fails() -> None:
            await asyncio.sleep(0)
            {}["missing"]

        try:
            await fails()
        except KeyError as error:
            frames = traceback.extract_tb(error.__traceback__)
            await self.tell(
                [(frame.name, frame.lineno) for frame in frames if frame.name in ("look", "fails")], repr(error)
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
