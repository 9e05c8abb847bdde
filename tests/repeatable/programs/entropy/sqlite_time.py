# expected: exception: C libraries
"""The clock of an SQL database, which is read in C."""

import sqlite3

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SqliteTime(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        with sqlite3.connect(":memory:") as database:
            await self.tell(
                database.execute("select datetime('now'), date('now', 'localtime'), julianday('now')").fetchone()
            )
        database.close()

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
