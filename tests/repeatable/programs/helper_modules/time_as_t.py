# expected: repeatable
"""import time as t, import random as r, import datetime as dt."""

import datetime as dt
import random as r
import time as t

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class TimeAsT(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(t.time(), dt.datetime.now(), dt.date.today(), r.random(), r.sample(range(100), 4))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
