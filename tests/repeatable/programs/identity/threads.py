# expected: repeatable
"""Identity of the thread."""

import threading

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Threads(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            threading.get_ident(),
            threading.get_native_id(),
            threading.current_thread().ident,
            threading.main_thread().native_id,
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
