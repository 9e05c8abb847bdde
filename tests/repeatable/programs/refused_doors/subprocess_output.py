# expected: refused: subprocess
"""subprocess.getoutput."""

import subprocess

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SubprocessOutput(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        subprocess.getoutput("true")
        await self.tell("went on")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
