# expected: repeatable
"""A set of calls to peers, given to gather."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class GatheredSetOfCalls(Algorithm):
    async def on_start(self) -> None:
        asked = {peer.ask(name) for name, peer in self.peers.items()}
        for reply in asyncio.as_completed(asked):
            text = await reply
            for peer in self.peers.values():
                await peer.hear(text)

    @handler
    async def ask(self, src: PeerId, text: str) -> str:
        return f"{text} {asyncio.current_task().get_name()}"

    @handler
    async def hear(self, src: PeerId, text: str) -> None: ...
