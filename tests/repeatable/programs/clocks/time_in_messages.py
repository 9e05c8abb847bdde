# expected: repeatable
"""Datetimes travel in messages."""

import asyncio
from datetime import datetime, timedelta

from distbench import Algorithm, PeerId, distbench, handler, message


@message
class Ping:
    sent: datetime
    hop: int


@distbench
class TimeInMessages(Algorithm):
    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.ping(Ping(datetime.now(), 0))

    @handler
    async def ping(self, src: PeerId, msg: Ping) -> None:
        if msg.hop < 3 and datetime.now() - msg.sent < timedelta(seconds=1):
            await asyncio.sleep(0.001)
            await self.peers[src].ping(Ping(datetime.now(), msg.hop + 1))
