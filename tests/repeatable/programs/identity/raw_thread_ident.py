# expected: repeatable
"""Identity of the thread by the door below threading."""

import _thread

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RawThreadIdent(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(_thread.get_ident(), _thread.get_native_id(), repr(_thread.allocate_lock())[:10])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
