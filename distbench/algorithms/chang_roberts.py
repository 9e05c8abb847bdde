"""Chang-Roberts: the node with the highest number becomes the leader of a ring.

Source: E. Chang and R. Roberts, "An Improved Algorithm for Decentralized Extrema-Finding in Circular
Configurations of Processes", Communications of the ACM 22(5), 1979.

Model: a ring in one direction (every node lists its successor as its only neighbour), asynchronous reliable links,
no failures, distinct numbers. Nobody knows how many nodes there are. Any of them may start, at least one; a node
that has not started joins with its own number when a smaller one comes by.

Properties: exactly one node, the one with the highest number on the ring, is elected, whoever starts; then every
node learns the leader's number and terminates.

Messages: when all nodes start, the number of a node travels as far as the next higher one, and the highest all
round. That is the sum over the nodes of the distance to the next higher number (n for the highest), plus n
announcements, and no schedule can change it: 3n - 1 where the numbers rise along the ring, n(n + 1)/2 + n where
they fall, about n ln n + n on average. A ring of one node sends nothing.
"""

from __future__ import annotations

import logging

from distbench import Algorithm, PeerId, RunResult, config_field, distbench, handler, message

logger = logging.getLogger(__name__)


@message
class Election:
    """A number on its way round the ring, until it meets a higher one."""

    number: int


@message
class Elected:
    """The leader's number on its only way round."""

    number: int


@distbench
class ChangRoberts(Algorithm):
    """Leader election on a ring: the highest number wins (Chang and Roberts 1979)."""

    node_id: int | None = config_field(default=None)
    """The number; by default the node's place in the natural order of all node ids, from 1."""
    is_initiator: bool = config_field(default=True)
    """Whether the node starts by itself; by default all do."""

    number: int = 0
    participant: bool = False
    leader: int | None = None

    async def on_start(self) -> None:
        self.number = self.community.order.index(self.id()) + 1 if self.node_id is None else self.node_id
        if self.N() == 1:
            self.leader = self.number
            await self.terminate()
            return
        if len(self.peers) != 1:
            raise ValueError(f"a ring: {self.id()} must list its successor and nobody else, not {list(self.peers)}")
        (self.successor,) = self.peers.values()
        if self.is_initiator:
            await self.compete()

    async def compete(self) -> None:
        """Send the own number round the ring."""
        self.participant = True
        await self.successor.election(Election(number=self.number))

    @handler
    async def election(self, src: PeerId, msg: Election) -> None:
        """Let a higher number pass, stop a lower one; the own number has beaten all others."""
        if msg.number > self.number:
            self.participant = True
            await self.successor.election(msg)
        elif msg.number == self.number:
            logger.info("Elected with number %d", self.number)
            self.leader = self.number
            await self.successor.elected(Elected(number=self.number))
        elif not self.participant:
            await self.compete()

    @handler
    async def elected(self, src: PeerId, msg: Elected) -> None:
        """Learn who leads and tell the successor; at the leader itself the announcement ends."""
        if self.leader is None:
            logger.info("The leader is %d", msg.number)
            self.leader = msg.number
            await self.successor.elected(msg)
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"number": self.number, "leader": self.leader}


def check(result: RunResult) -> None:
    """Whoever knows a leader knows the highest number; after a completed run all do."""
    highest = max(number for report in result.reports.values() if isinstance(number := report["number"], int))
    for node, report in result.reports.items():
        assert report["leader"] in (None, highest), f"{node} follows {report['leader']}, the highest is {highest}"
        if result.ended == "completed":
            assert report["leader"] is not None, f"{node} terminated without a leader"
