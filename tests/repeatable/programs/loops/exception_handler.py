# expected: repeatable
"""An exception handler of the program's own is set and asked for."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class ExceptionHandler(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        heard = []
        loop.set_exception_handler(lambda loop, context: heard.append(context["message"]))
        loop.call_exception_handler({"message": "hello"})
        await asyncio.sleep(0)
        await self.tell(heard)
        loop.set_exception_handler(None)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
