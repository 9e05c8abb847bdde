# expected: repeatable
# needs: networkx
"""Communities, which depend on sets and chance."""

import networkx as nx

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NetworkxPartitions(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        graph = nx.karate_club_graph()
        await self.tell([sorted(each) for each in nx.community.louvain_communities(graph)])

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
