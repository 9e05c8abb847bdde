# expected: repeatable
"""What one node's step collects, belongs to the node that made it."""

import asyncio
import os
import time

from distbench import Algorithm, PeerId, distbench, handler

shared: list[object] = []


@distbench
class DroppedByAnotherNode(Algorithm):
    async def on_start(self) -> None:
        async def numbers():
            try:
                yield 1
            finally:
                for peer in self.peers.values():
                    await peer.hear(f"{self.id()} {time.time()} {os.urandom(4).hex()}")

        generator = numbers()
        await anext(generator)
        shared.append(generator)
        del generator
        await asyncio.sleep(1 if self.id() == "n2" else 2)
        shared.clear()

    @handler
    async def hear(self, src: PeerId, text: str) -> None: ...
