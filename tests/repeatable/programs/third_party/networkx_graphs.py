# expected: repeatable
# needs: networkx numpy
"""Random graphs of networkx, which use both generators."""

import networkx as nx

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NetworkxGraphs(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        graph = nx.gnp_random_graph(8, 0.5)
        await self.tell(sorted(graph.edges), list(nx.random_regular_graph(2, 6).edges))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
