# expected: repeatable
"""Enough events for the collector's turn, with finalizers that send."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


class Noisy:
    def __init__(self, node: "ManyEvents") -> None:
        self.node = node
        self.me = self

    def __del__(self) -> None:
        self.node.ended += 1


@distbench
class ManyEvents(Algorithm):
    ended = 0

    async def on_start(self) -> None:
        for turn in range(9000):
            if turn % 100 == 0:
                Noisy(self)
            await asyncio.sleep(0.001)
            if turn % 1000 == 0:
                for peer in self.peers.values():
                    await peer.hear(f"{turn} {self.ended}")

    @handler
    async def hear(self, src: PeerId, text: str) -> None: ...
