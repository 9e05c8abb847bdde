# expected: repeatable
"""Frozen messages in sets."""

from dataclasses import dataclass

from distbench import Algorithm, PeerId, distbench, handler, message


@message
@dataclass(frozen=True)
class Vote:
    value: int
    voter: str


@distbench
class SetsOfMessages(Algorithm):
    def __init__(self) -> None:
        super().__init__()
        self.votes: set[Vote] = set()

    async def on_start(self) -> None:
        for peer in self.peers.values():
            for number in range(4):
                await peer.vote(Vote(number, self.id()))

    @handler
    async def vote(self, src: PeerId, msg: Vote) -> None:
        self.votes.add(msg)
        if len(self.votes) == 8:
            for each in self.votes:
                await self.peers[each.voter].echoed(each)

    @handler
    async def echoed(self, src: PeerId, msg: Vote) -> None: ...
