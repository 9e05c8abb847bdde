"""Echo: a wave runs from one node to all others, and its echo comes back.

Source: E. J. H. Chang, "Echo Algorithms: Depth Parallel Operations on General Graphs", IEEE Transactions on
Software Engineering 8(4), 1982; the same idea is A. Segall's propagation of information with feedback (1983).

Model: any connected network, asynchronous reliable links, no failures, one node with ``start_node``.

Properties:
- every node hears the wave exactly once as its own, from the neighbour that becomes its parent;
- the parents form a spanning tree, whose root is the starting node;
- when the starting node terminates, every node has been reached, and the starter knows how many there are.

Messages: a request and its reply travel together. The starter asks all its neighbours, every other node all but
its parent: 2|E| - (n - 1) requests and as many replies on a network of n nodes and |E| edges, whatever the
schedule. Requests are signed, so that a parent is proven; each node signs once.
"""

from __future__ import annotations

import asyncio
import logging

from distbench import Algorithm, PeerId, RunResult, Signed, config_field, distbench, handler, message

logger = logging.getLogger(__name__)


@message
class Wave:
    """What the starter has to say."""

    content: str


@distbench
class Echo(Algorithm):
    """A wave reaches every node, and its echo counts them (Chang 1982)."""

    start_node: bool = config_field(default=False)
    content: str = config_field(default="hello")

    heard: str | None = None
    parent: PeerId | None = None
    reached: int = 0

    async def on_start(self) -> None:
        if self.start_node:
            await self.spread(Wave(content=self.content))
            logger.info("The echo is back: %d other nodes heard %r", self.reached, self.content)

    @handler
    async def wave(self, src: PeerId, msg: Signed[Wave]) -> int:
        """How many nodes heard the wave through this request: 0 where it had come before."""
        if self.heard is not None:
            return 0
        logger.info("Heard %r from %s", msg.content, msg.signer)
        self.parent = src
        await self.spread(Wave(content=msg.content))
        return 1 + self.reached

    async def spread(self, wave: Wave) -> None:
        """Pass the wave on to all neighbours but the parent, and wait for all their echoes."""
        self.heard = wave.content
        signed = self.sign(wave)
        echoes = [peer.wave(signed) for peer_id, peer in self.peers.items() if peer_id != self.parent]
        self.reached = sum(await asyncio.gather(*echoes))
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"heard": self.heard, "parent": self.parent, "reached": self.reached}


def check(result: RunResult) -> None:
    """All who heard heard the same and lead back to the starter; after a completed run it has counted all nodes."""
    reports = result.reports
    roots = [node for node, report in reports.items() if report["heard"] is not None and report["parent"] is None]
    assert len(roots) == 1, f"one node starts an echo, not {len(roots)}: {roots}"
    (root,) = roots
    for node, report in reports.items():
        assert report["heard"] in (None, reports[root]["heard"]), f"{node} heard {report['heard']!r}"
        ancestor, steps = node, 0
        while (parent := reports[ancestor]["parent"]) is not None:
            ancestor, steps = PeerId(str(parent)), steps + 1
            assert steps < len(reports), f"the parents of {node} run in a circle"
    if result.ended == "completed":
        assert reports[root]["reached"] == len(reports) - 1, f"{root} counted {reports[root]['reached']} other nodes"
