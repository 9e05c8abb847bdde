"""``--latency`` in the real modes: messages are held at the sender's link, and keep their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from distbench.network.tcp import TcpLink


class DelayedLink:
    """Holds each message for a drawn time before the link takes it."""

    __slots__ = ("_held", "_last", "_link", "_loop", "_more", "_draws", "_low", "_timer")

    def __init__(self, link: TcpLink, loop: asyncio.AbstractEventLoop, low: int, more: Callable[[], list[int]]) -> None:
        """``low`` nanoseconds, and what ``more`` draws on top."""
        self._link = link
        self._loop = loop
        self._low = low
        self._more = more
        self._draws: list[int] = []
        self._held: deque[tuple[float, int, int, bytes]] = deque()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def held(self) -> int:
        """Messages that wait for their time."""
        return len(self._held)

    def send(self, handler: int, call: int, payload: bytes, value: Any = None) -> Awaitable[None] | None:
        if not self._draws:
            self._draws = self._more()
        due = self._loop.time() + (self._low + self._draws.pop()) / 1e9
        self._last = due = max(due, self._last)
        self._held.append((due, handler, call, payload))
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._release)
        # The link behind is full: wait with it, so that what is held stays bounded too.
        return self._link.room() if handler >= 0 and self._link.session.full else None

    def _release(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._held and self._held[0][0] <= now:
            _, handler, call, payload = self._held.popleft()
            self._link.session.send(handler, call, payload)
        self._link.flush()
        if self._held:
            self._timer = self._loop.call_at(self._held[0][0], self._release)
