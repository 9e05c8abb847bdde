# expected: repeatable
"""Process group, session, user, terminal."""

import os

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class GroupsAndSessions(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        await self.tell(os.getpgid(0) == os.getpgrp(), os.getsid(0) != 0, os.getuid() >= 0)
        await self.tell(os.getpgrp(), os.getsid(0), os.getpgid(os.getpid()))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
