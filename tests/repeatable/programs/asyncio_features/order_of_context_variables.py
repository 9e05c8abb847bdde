# expected: exception: addresses
"""The order in which a context iterates over its variables."""

import contextvars

from distbench import Algorithm, PeerId, distbench, handler

made = [contextvars.ContextVar(f"v{number}") for number in range(20)]


@distbench
class OrderOfContextVariables(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        for number, each in enumerate(made):
            each.set(number)
        await self.tell([each.name for each in contextvars.copy_context() if each.name.startswith("v")])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
