# expected: repeatable
"""Each node has a process id of its own, which elects."""

import os

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class IdsDifferBetweenNodes(Algorithm):
    def __init__(self) -> None:
        super().__init__()
        self.pids = {os.getpid()}

    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.hear(os.getpid())

    @handler
    async def hear(self, src: PeerId, pid: int) -> None:
        self.pids.add(pid)
        if len(self.pids) == self.N():
            await self.peers[src].hear_too(str(list(self.pids)))

    @handler
    async def hear_too(self, src: PeerId, text: str) -> None: ...
