# expected: repeatable
"""Quorums as sets of names."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class UnionOfPeerNames(Algorithm):
    def __init__(self) -> None:
        super().__init__()
        self.known: set[PeerId] = set()

    async def on_start(self) -> None:
        self.known = {self.id()}
        for peer in self.peers.values():
            await peer.know(list(self.known))

    @handler
    async def know(self, src: PeerId, names: list[str]) -> None:
        before = len(self.known)
        self.known |= set(names) | {src}
        if len(self.known) > before:
            for name in self.known - {self.id()}:
                await self.peers[name].know(list(self.known))
