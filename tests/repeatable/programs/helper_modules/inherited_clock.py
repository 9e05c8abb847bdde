# expected: repeatable
"""The algorithm inherits its clock from a helper's class."""

from inherited import Clocked

from distbench import PeerId, distbench, handler


@distbench
class InheritedClock(Clocked):
    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.hear(self.stamp())

    @handler
    async def hear(self, src: PeerId, text: str) -> None: ...
