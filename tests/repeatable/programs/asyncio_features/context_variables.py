# expected: repeatable
"""Context variables, contexts as keys, and tokens."""

import asyncio
import contextvars

from distbench import Algorithm, PeerId, distbench, handler

variable = contextvars.ContextVar("variable", default=0)
others = [contextvars.ContextVar(f"other{number}") for number in range(9)]


@distbench
class ContextVariables(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        for number, each in enumerate(others):
            each.set(number)
        token = variable.set(variable.get() + 1)

        async def work() -> int:
            variable.set(variable.get() + 10)
            return variable.get()

        seen = [await asyncio.create_task(work()), variable.get(), contextvars.copy_context()[variable]]
        names = [each.name for each in contextvars.copy_context() if each in set(others)]
        variable.reset(token)
        await self.tell(seen, sorted(names), variable.get())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
