# expected: repeatable
# needs: networkx numpy
"""Layouts drawn by numpy's generator."""

import networkx as nx

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class NetworkxLayouts(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        layout = nx.random_layout(nx.path_graph(3))
        await self.tell({node: tuple(map(float, where)) for node, where in layout.items()})

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
