# expected: repeatable
"""One stream a node: what one node draws moves no other."""

import random

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class StreamsOfTheirOwn(Algorithm):
    async def on_start(self) -> None:
        if self.id() == "n1":
            for _ in range(1000):
                random.random()
        for peer in self.peers.values():
            await peer.hear(str([random.random() for _ in range(3)]))

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        if text.endswith(str(random.randint(0, 9)) + "]"):
            await self.peers[src].hear("again")
