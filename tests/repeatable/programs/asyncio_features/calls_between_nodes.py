# expected: repeatable
"""Calls to peers, gathered from a set whose order nobody else sees; the replies come in the order of creation."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class CallsBetweenNodes(Algorithm):
    async def on_start(self) -> None:
        asked = {self.peers[name].ask(name) for name in self.peers}
        replies = await asyncio.gather(*asked)
        for peer in self.peers.values():
            await peer.hear(str(replies))

    @handler
    async def ask(self, src: PeerId, text: str) -> str:
        await asyncio.sleep(0.001)
        return f"{text} {asyncio.current_task().get_name()}"

    @handler
    async def hear(self, src: PeerId, text: str) -> None: ...
