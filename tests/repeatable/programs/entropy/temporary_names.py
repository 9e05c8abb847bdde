# expected: repeatable
"""Names of temporary files."""

import os
import tempfile

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TemporaryNames(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
            await self.tell(
                os.path.basename(file.name), os.path.basename(folder), next(tempfile._get_candidate_names())
            )

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
