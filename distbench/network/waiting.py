"""Messages whose senders wait for room."""

from __future__ import annotations

import asyncio
from collections import deque

from distbench.network.frames import Message
from distbench.network.session import check_size

_SWEEP_AT = 1000


class Waiting:
    """First come, first served. A message is taken out in its turn, whenever its sender wakes up; that keeps the order.

    A sender that was cancelled takes its message with it.
    """

    __slots__ = ("_loop", "_queue", "_sweep_at")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: deque[tuple[asyncio.Future[None], Message]] = deque()
        self._sweep_at = _SWEEP_AT

    def __len__(self) -> int:
        return sum(not room.done() for room, _ in self._queue)

    def add(self, handler: int, call: int, payload: bytes) -> asyncio.Future[None]:
        """What the sender awaits. Raises MessageError for a payload that no link carries."""
        check_size(payload)
        if len(self._queue) >= self._sweep_at:
            self._queue = deque(entry for entry in self._queue if not entry[0].done())
            self._sweep_at = max(_SWEEP_AT, 2 * len(self._queue))
        room = self._loop.create_future()
        self._queue.append((room, (handler, call, payload)))
        return room

    def take(self) -> Message | None:
        """The oldest message, whose sender goes on; None when nobody waits."""
        while self._queue:
            room, message = self._queue.popleft()
            if not room.done():
                room.set_result(None)
                return message
        return None

    def end(self) -> int:
        """Let all go on though their messages are never sent; how many of these are casts."""
        casts = 0
        while (message := self.take()) is not None:
            casts += message[1] == 0
        return casts
