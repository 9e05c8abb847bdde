"""A TCP proxy that resets connections, as an unreliable network does."""

from __future__ import annotations

import asyncio
import random
import socket
import struct

from distbench.network.tcp import Address

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing sends a reset, and drops what was not sent


class Proxy:
    """Forwards every connection to ``target``; resets the newest ones after random numbers of bytes.

    ``resets`` times in all, each time after ``least`` to ``most`` bytes of both directions together.
    """

    def __init__(self, target: Address, resets: int, least: int, most: int, seed: int = 0) -> None:
        self.target = target
        self.resets = 0
        self.connections = 0
        self.forwarded = 0
        self.address: Address = ("127.0.0.1", 0)
        self._left = resets
        self._least, self._most = least, most
        self._random = random.Random(seed)
        self._next = self._draw()
        self._pairs: set[asyncio.Task[None]] = set()
        self._readers: set[asyncio.StreamReader] = set()
        self._frozen: set[asyncio.StreamReader] = set()

    def _draw(self) -> int:
        return self._random.randint(self._least, self._most)

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in self._pairs:
            task.cancel()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    def freeze(self) -> None:
        """Forward nothing more over the connections that there are: each end sees the other silent."""
        self._frozen |= self._readers

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._pairs.add(task)
        task.add_done_callback(self._pairs.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            there, back = await asyncio.open_connection(*self.target)
            writers.append(back)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, back))
                group.create_task(self._carry(there, writer))
        except* (ConnectionError, _TimeToReset):
            for end in writers:
                sock = end.get_extra_info("socket")
                if sock is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        finally:
            for end in writers:
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._readers.add(reader)
        while data := await reader.read(self._random.randint(1, 1 << 16)):
            if reader in self._frozen:
                continue
            if self._left and self.forwarded + len(data) >= self._next:
                kept = data[: max(0, self._next - self.forwarded)]
                self._left -= 1
                self.resets += 1
                self._next += self._draw()
                writer.write(kept)  # some of it still arrives
                self.forwarded += len(kept)
                raise _TimeToReset
            self.forwarded += len(data)
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


class _TimeToReset(Exception):
    """This connection ends now."""
