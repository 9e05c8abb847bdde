# expected: repeatable
"""Peers and their names in sets."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetsOfPeers(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(
            [peer.peer_id for peer in set(self.peers.values())], list(set(self.peers)), list(set(self.community.nodes))
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
