# expected: repeatable
"""Each method of a loop that needs nothing from outside."""

import asyncio
import contextvars

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class EveryMethodInside(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        heard = []
        loop.call_soon(heard.append, "soon", context=contextvars.copy_context())
        loop.call_later(0.1, heard.append, "later")
        loop.call_at(loop.time() + 0.2, heard.append, "at")
        loop.call_soon_threadsafe(heard.append, "threadsafe")
        future = loop.create_future()
        loop.call_later(0.3, future.set_result, "future")
        heard.append(await future)
        heard.append(await loop.create_task(asyncio.sleep(0.1, "task"), name="named"))
        seen = [
            loop.is_running(),
            loop.is_closed(),
            loop.get_debug(),
            loop.get_task_factory(),
            loop.get_exception_handler(),
        ]
        loop.set_debug(False)
        await loop.shutdown_asyncgens()
        await loop.shutdown_default_executor()
        await self.tell(heard, seen, loop.time())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
