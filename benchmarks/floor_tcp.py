"""The floor of TCP: the least that a message between two processes costs in Python, without any framework.

Each message is encoded with msgpack, goes as a frame with a small header over loopback, is decoded there and given to a
handler coroutine; what is sent in one turn of the loop is written together. ``python -m benchmarks.floor_tcp`` prints
lines ``name rate``: casts, and round trips with one caller (``rr``) and with 64 (``rr64``).
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from typing import cast

import uvloop

from benchmarks.floor import decode, decode_text, encode, finish, new_token

CASTS, CALLS, CALLERS = 300_000, 10_000, 64
"""How many of each; 64 callers share six times as many calls."""

_HEAD = struct.Struct(">II")  # bytes of the payload, number of the call
_TOGETHER = 256  # frames that are written without waiting for the end of the turn


class End(asyncio.Protocol):
    """One end of the connection."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.waiting: dict[int, asyncio.Future[str]] = {}
        self.calls = 0
        self.room: asyncio.Future[None] | None = None
        self._unread = b""
        self._frames: list[bytes] = []
        self._soon = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, call: int, payload: bytes) -> None:
        self._frames.append(_HEAD.pack(len(payload), call) + payload)
        if len(self._frames) >= _TOGETHER:
            self._write()
        elif not self._soon:
            self._soon = True
            self.loop.call_soon(self._write)

    def _write(self) -> None:
        self._soon = False
        if self._frames:
            self.transport.write(b"".join(self._frames))
            self._frames.clear()

    def pause_writing(self) -> None:
        self.room = self.loop.create_future()

    def resume_writing(self) -> None:
        if self.room is not None:
            self.room.set_result(None)
            self.room = None

    def data_received(self, data: bytes) -> None:
        if self._unread:
            data = self._unread + data
        at, end = 0, len(data)
        while at + _HEAD.size <= end:
            length, call = _HEAD.unpack_from(data, at)
            start = at + _HEAD.size
            if start + length > end:
                break
            at = start + length
            self.arrived(call, data[start:at])
        self._unread = data[at:]

    def arrived(self, call: int, payload: bytes) -> None:
        """A reply."""
        self.waiting.pop(call).set_result(decode_text(payload))


class Answering(End):
    """The end that handles messages."""

    async def on_token(self, src: str, name: str) -> str:
        return name

    def arrived(self, call: int, payload: bytes) -> None:
        result = finish(self.on_token("n1", decode(payload).name))
        if call:
            self.send(call, encode(result))


async def cast_one(end: End, seq: int) -> None:
    end.send(0, encode(new_token(seq)))
    if end.room is not None:
        await end.room


async def call_one(end: End, seq: int) -> str:
    end.calls += 1
    reply: asyncio.Future[str] = end.loop.create_future()
    end.waiting[end.calls] = reply
    end.send(end.calls, encode(new_token(seq)))
    return await reply


async def call_many(end: End, times: int) -> None:
    for seq in range(times):
        assert await call_one(end, seq) == "hello-world"


async def measure(end: End) -> None:
    await call_many(end, 1000)
    began = time.perf_counter()
    await call_many(end, CALLS)
    print("rr", f"{CALLS / (time.perf_counter() - began):.0f}", flush=True)
    each = CALLS * 6 // CALLERS
    began = time.perf_counter()
    await asyncio.gather(*(call_many(end, each) for _ in range(CALLERS)))
    print("rr64", f"{each * CALLERS / (time.perf_counter() - began):.0f}", flush=True)
    began = time.perf_counter()
    for seq in range(CASTS):
        await cast_one(end, seq)
    await call_many(end, 1)  # its reply says that all casts before it were handled
    print("casts", f"{CASTS / (time.perf_counter() - began):.0f}", flush=True)


def answer(sock: socket.socket) -> None:
    """The other process: one connection, to its end."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        class Once(Answering):
            def connection_lost(self, error: Exception | None) -> None:
                over.set_result(None)

        server = await loop.create_server(Once, sock=sock)
        await over
        server.close()

    uvloop.run(main())


async def ask(port: int) -> None:
    transport, end = await asyncio.get_running_loop().create_connection(End, "127.0.0.1", port)
    try:
        await measure(end)
    finally:
        transport.close()


def main() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    pid = os.fork()
    if pid == 0:
        try:
            answer(sock)
        finally:
            os._exit(0)
    port = sock.getsockname()[1]
    sock.close()
    try:
        uvloop.run(ask(port))
    finally:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
