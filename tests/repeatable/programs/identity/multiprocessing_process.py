# expected: repeatable
"""The current process by multiprocessing's door."""

import multiprocessing

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class MultiprocessingProcess(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        process = multiprocessing.current_process()
        await self.tell(process.name, process.pid, multiprocessing.parent_process())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
