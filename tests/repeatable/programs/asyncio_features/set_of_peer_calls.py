# expected: repeatable
"""Peers and their bound methods in sets."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetOfPeerCalls(Algorithm):
    async def on_start(self) -> None:
        for peer in set(self.peers.values()):
            await peer.hear(f"to {peer.peer_id}")

    @handler
    async def hear(self, src: PeerId, text: str) -> None: ...
