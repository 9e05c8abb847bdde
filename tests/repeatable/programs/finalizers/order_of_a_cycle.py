# expected: repeatable
"""The order in which objects of one cycle are finalized."""

import gc

from distbench import Algorithm, PeerId, distbench, handler


class Link:
    def __init__(self, name: int, heard: list[int]) -> None:
        self.name = name
        self.heard = heard

    def __del__(self) -> None:
        self.heard.append(self.name)


@distbench
class OrderOfACycle(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        heard = []
        links = [Link(number, heard) for number in range(8)]
        for link, other in zip(links, links[1:] + links[:1]):
            link.next = other
        del link, other, links
        gc.collect()
        await self.tell(heard)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
