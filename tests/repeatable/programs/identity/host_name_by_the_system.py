# expected: refused: subprocess
"""The machine's name by a command."""

import subprocess

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class HostNameByTheSystem(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(subprocess.run(["hostname"], capture_output=True, text=True).stdout)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
