# expected: repeatable
"""A StreamReader that is fed by hand."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class StreamsInMemory(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        reader = asyncio.StreamReader()
        asyncio.get_running_loop().call_later(0.5, reader.feed_data, b"one\ntwo\n")
        asyncio.get_running_loop().call_later(0.6, reader.feed_eof)
        await self.tell([line async for line in reader])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
