# expected: repeatable
"""A warning that is raised as an error, or shown once in a process."""

import warnings

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class WarnedOnce(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        seen = []
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                warnings.warn("one", UserWarning, stacklevel=1)
            except UserWarning as warning:
                seen.append(str(warning))
        await self.tell(seen)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
