# expected: repeatable
"""A refusal is an exception that a program may catch; what it says is the same everywhere."""

import socket
import subprocess
import threading
import time

from distbench import Algorithm, NondeterminismError, PeerId, distbench, handler


@distbench
class CaughtAndTold(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        for step in (
            lambda: time.sleep(1),
            socket.socket,
            lambda: subprocess.run(["true"]),
            threading.Thread(target=print).start,
        ):
            try:
                step()
            except NondeterminismError as error:
                await self.tell(error)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
