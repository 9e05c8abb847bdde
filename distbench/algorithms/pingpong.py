"""PingPong: two nodes hit a ball to and fro; the tutorial's first algorithm.

Model: two neighbours, asynchronous reliable FIFO links, no failures. One of them has ``initiator``.

Properties: the initiator sends Ping 0; every Ping k is answered by Pong k, and every Pong below ``max_rounds`` by
the next Ping. After Pong ``max_rounds`` the initiator terminates. The other node cannot know that the game is over
and never terminates: the run ends as quiescent.

Messages: ``max_rounds`` + 1 Pings, each a request with a reply, and as many Pongs.
"""

from __future__ import annotations

import logging

from distbench import Algorithm, PeerId, RunResult, config_field, distbench, handler, message

logger = logging.getLogger(__name__)


@message
class Ping:
    """The ball on its way out."""

    sequence: int


@message
class Pong:
    """The ball on its way back."""

    sequence: int


@distbench
class PingPong(Algorithm):
    """Two nodes exchange numbered pings and pongs (the tutorial)."""

    initiator: bool = config_field(default=False)
    max_rounds: int = config_field(default=5)

    pings_received: int = 0
    pongs_received: int = 0

    async def on_start(self) -> None:
        logger.info("PingPong starting (N=%d)", self.N())
        if not self.initiator:
            return
        if not self.peers:
            logger.warning("Nobody to play with, terminating.")
            await self.terminate()
            return
        peer_id, peer = next(iter(self.peers.items()))
        logger.info("I am initiator, sending Ping 0 to %s", peer_id)
        response = await peer.ping(Ping(sequence=0))
        logger.info("Got response to first ping: %s", response)

    async def on_exit(self) -> None:
        logger.info("PingPong finished")

    @handler
    async def ping(self, src: PeerId, msg: Ping) -> str:
        """Send the ball back; the reply says that the Ping arrived."""
        logger.info("Received Ping %d from %s", msg.sequence, src)
        self.pings_received += 1
        await self.peers[src].pong(Pong(sequence=msg.sequence))
        return f"ACK_Ping_{msg.sequence}"

    @handler
    async def pong(self, src: PeerId, msg: Pong) -> None:
        """Begin the next round, or end the game."""
        logger.info("Received Pong %d from %s", msg.sequence, src)
        self.pongs_received += 1
        if msg.sequence >= self.max_rounds:
            logger.info("Max rounds reached, terminating.")
            await self.terminate()
        else:
            await self.peers[src].ping(Ping(sequence=msg.sequence + 1))

    async def report(self) -> dict[str, object]:
        return {
            "am_initiator": self.initiator,
            "pings_received": self.pings_received,
            "pongs_received": self.pongs_received,
        }


def check(result: RunResult) -> None:
    """When nothing is left to happen, every Ping was answered by one Pong."""

    def total(key: str) -> int:
        return sum(count for report in result.reports.values() if isinstance(count := report[key], int))

    if result.ended in ("completed", "quiescent"):
        pings, pongs = total("pings_received"), total("pongs_received")
        assert pings == pongs, f"{pings} pings were answered by {pongs} pongs"
