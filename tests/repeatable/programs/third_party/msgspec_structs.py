# expected: repeatable
# from python: exception: imported before
# needs: msgspec
"""Structs with default factories."""

import time
import uuid

import msgspec

from distbench import Algorithm, PeerId, distbench, handler


class Entry(msgspec.Struct):
    at: float = msgspec.field(default_factory=time.time)
    key: uuid.UUID = msgspec.field(default_factory=uuid.uuid4)


@distbench
class MsgspecStructs(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(msgspec.json.encode(Entry()).decode())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
