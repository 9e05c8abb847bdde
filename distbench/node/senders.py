"""Senders that wait until a link has room for their messages: first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeAlias, TypeVar

M = TypeVar("M")

_SWEEP_AT: Final = 1000

Room: TypeAlias = "asyncio.Future[None]"
"""What the sender of a message waits for: it is done when the message has been taken. Cancelled before that, by the
sender or at the end of the link, it takes its message with it. So ``cancelled()`` says that the message was not sent,
and never changes once the room is done."""


class Senders(Generic[M]):
    """Who waits for one link, over TCP or simulated. Whoever gave up counts no more."""

    __slots__ = ("_make_room", "_sweep_at", "_waiting")

    def __init__(self, make_room: Callable[[], Room]) -> None:
        self._make_room = make_room
        self._waiting: deque[tuple[Room, M]] = deque()
        self._sweep_at = _SWEEP_AT

    def __len__(self) -> int:
        return sum(not room.done() for room, _ in self._waiting)

    def __bool__(self) -> bool:
        """Somebody waits; told sooner than how many do."""
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()
        return bool(self._waiting)

    def wait(self, message: M) -> Room:
        """What the sender of ``message`` awaits."""
        if len(self._waiting) >= self._sweep_at:
            self._waiting = deque(entry for entry in self._waiting if not entry[0].done())
            self._sweep_at = max(_SWEEP_AT, 2 * len(self._waiting))
        room = self._make_room()
        self._waiting.append((room, message))
        return room

    def next(self) -> M | None:
        """The message that has waited longest; its sender goes on, and it is to be taken now."""
        while self._waiting:
            room, message = self._waiting.popleft()
            if not room.done():
                room.set_result(None)
                return message
        return None

    def end(self) -> list[M]:
        """Let everybody go on; the messages that were never sent for that."""
        never = [message for room, message in self._waiting if room.cancel()]
        self._waiting.clear()
        return never
