# expected: exception: addresses
"""Bound methods in a set."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetsOfMethods(Algorithm):
    async def on_start(self) -> None:
        for call in {peer.hear for peer in self.peers.values()}:
            await call("by a set of methods")

    @handler
    async def hear(self, src: PeerId, text: str) -> None: ...
