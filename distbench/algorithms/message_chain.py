"""MessageChain: a content spreads as a chain of signatures, to which every node that passes it on adds its own.

Source: the relay step of D. Dolev and H. R. Strong, "Authenticated Algorithms for Byzantine Agreement", SIAM
Journal on Computing 12(4), 1983, without its rounds: a node accepts the first valid chain and passes it on once.

Model: any connected network, asynchronous reliable links, signatures that cannot be forged, one node with
``start_node``, the origin.

Properties:
- integrity: nobody accepts a content of a correct origin that the origin did not sign, however many other nodes lie;
- provenance: an accepted chain is a path from the origin; each link names the one before it under its signature;
- reach: where the correct nodes are connected and the origin is correct, each of them accepts and terminates.
Two contents signed by a lying origin may be accepted at different nodes: agreement needs the paper's rounds.

Messages: a node sends once, when it accepts, to each neighbour that has not signed the chain; later chains are
dropped as duplicates. On n nodes and |E| edges that is at most 2|E| - (n - 1) messages, (n - 1)**2 where all are
neighbours, and no chain is longer than n links.
"""

from __future__ import annotations

import logging

from distbench import Algorithm, PeerId, RunResult, Signed, config_field, distbench, handler, message

logger = logging.getLogger(__name__)


@message
class Link:
    """One node's statement: I pass ``content`` on, and had it from ``after`` (the origin: from itself)."""

    content: str
    after: PeerId


def is_valid(chain: list[Signed[Link]], src: PeerId) -> bool:
    """Whether the links are distinct nodes' statements on one content, each after the one before, the last by src."""
    signers = [link.signer for link in chain]
    return (
        bool(chain)
        and signers[-1] == src
        and len(set(signers)) == len(signers)
        and len({link.content for link in chain}) == 1
        and [link.after for link in chain] == [signers[0], *signers[:-1]]
    )


@distbench
class MessageChain(Algorithm):
    """A content spreads with a signature of every node it passed (after Dolev and Strong 1983)."""

    start_node: bool = config_field(default=False)
    content: str = config_field(default="attack at dawn")

    accepted: str | None = None
    duplicates: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.path: list[PeerId] = []

    async def on_start(self) -> None:
        if self.start_node:
            await self.accept(self.content, self.id(), [])

    @handler
    async def relay(self, src: PeerId, chain: list[Signed[Link]]) -> None:
        """Accept the first valid chain; every signature in it has been verified before this runs."""
        if self.accepted is not None:
            self.duplicates += 1
        elif is_valid(chain, src):
            await self.accept(chain[0].content, src, chain)
        else:
            logger.warning("Dropped a chain from %s that is no path: %s", src, [link.signer for link in chain])

    async def accept(self, content: str, after: PeerId, chain: list[Signed[Link]]) -> None:
        """Sign the content and pass it on to whoever has not signed it."""
        self.accepted = content
        self.path = [*(link.signer for link in chain), self.id()]
        logger.info("Accepted %r along %s", content, " > ".join(self.path))
        longer = [*chain, self.sign(Link(content=content, after=after))]
        for peer_id, peer in self.peers.items():
            if peer_id not in self.path:
                await peer.relay(longer)
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"accepted": self.accepted, "path": " > ".join(self.path), "duplicates": self.duplicates}


def check(result: RunResult) -> None:
    """All who accepted did so from one origin, and no node sent more than one message to each other node."""
    origins = {node for node, report in result.reports.items() if report["path"] == node}
    contents = {report["accepted"] for report in result.reports.values()} - {None}
    assert len(contents) <= 1, f"different contents were accepted: {contents}"
    for node, report in result.reports.items():
        path = str(report["path"]).split(" > ")
        assert report["accepted"] is None or (path[0] in origins and path[-1] == node), f"{node}: {report['path']}"
        assert result.nodes[node].messages_out < len(result.reports), f"{node} floods"
        if result.ended == "completed":
            assert report["accepted"] is not None, f"{node} terminated without a content"
