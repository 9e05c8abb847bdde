# expected: exception: the outside
"""Files: times of change, the folder it stands in, the order of a listing."""

import os

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Files(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(os.stat(".").st_mtime_ns, os.path.abspath("."), os.listdir("/proc/self/fd"))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
