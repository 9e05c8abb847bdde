# expected: repeatable
"""Callbacks of weak references, in the order of their making."""

import weakref

from distbench import Algorithm, PeerId, distbench, handler


class Thing:
    pass


@distbench
class CallbacksOfWeakReferences(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        things = [Thing() for _ in range(5)]
        references = [
            weakref.ref(thing, lambda _, number=number: heard.append(number)) for number, thing in enumerate(things)
        ]
        things.clear()
        await self.tell(heard, [reference() for reference in references])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
