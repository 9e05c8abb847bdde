# expected: repeatable
"""atexit and weak finalizers at the end of the process do nothing to the run."""

import atexit

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ExitHandlers(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        def bye() -> None:
            return None

        atexit.register(bye)
        atexit.unregister(bye)
        await self.tell("registered")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
