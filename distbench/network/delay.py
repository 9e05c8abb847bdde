"""``--latency`` in the real modes: messages are held at the sender's link, and keep their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from distbench.network.session import MESSAGE_WEIGHT, RESEND_WEIGHT, check_size
from distbench.network.waiting import Waiting

if TYPE_CHECKING:
    from distbench.network.link import TcpLink
    from distbench.network.tcp import Junction

HELD_WEIGHT: Final = RESEND_WEIGHT
"""What is held for one link weighs at most this and one message; then senders of casts and requests wait."""
_LEAST: Final = 0.001
"""Seconds that the loop's clock can tell apart."""


class DelayedLink:
    """Holds each message for a drawn time before the link takes it."""

    __slots__ = (
        "_draws", "_held", "_junction", "_last", "_link", "_low", "_more", "_over", "_stalled", "_timer",
        "_waiting", "_weight",
    )  # fmt: skip

    def __init__(self, junction: Junction, link: TcpLink, low: int, more: Callable[[], list[int]]) -> None:
        """``low`` nanoseconds, and what ``more`` draws on top."""
        self._junction = junction
        self._link = link
        self._low = low
        self._more = more
        self._draws: list[int] = []
        self._held: deque[tuple[float, int, int, bytes]] = deque()
        self._weight = 0
        self._waiting = Waiting(junction.loop)
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._stalled = False
        self._over = False

    @property
    def held(self) -> int:
        """Messages that wait for their time, or for room to wait in."""
        return len(self._held) + len(self._waiting)

    @property
    def weight(self) -> int:
        """Of all that wait for their time, counted as a session does."""
        return self._weight

    def send(self, handler: int, call: int, payload: bytes, value: Any = None) -> asyncio.Future[None] | None:
        """Hold a message until its time; what to await while too much is held."""
        if self._weight >= HELD_WEIGHT and handler >= 0:
            return self._waiting.add(handler, call, payload)
        check_size(payload)
        self._hold(handler, call, payload)
        return None

    def _hold(self, handler: int, call: int, payload: bytes) -> None:
        if self._over:
            return
        if not self._draws:
            self._draws = self._more()
        self._last = due = max(self._last, monotonic() + (self._low + self._draws.pop()) / 1e9)
        self._held.append((due, handler, call, payload))
        self._weight += len(payload) + MESSAGE_WEIGHT
        if self._timer is None and not self._stalled:
            self._arm()

    def _arm(self) -> None:
        # Rounded up: a timer that fires before its time would be armed again and again.
        self._timer = self._junction.later(max(self._held[0][0] - monotonic(), 0.0) + _LEAST, self._release)

    def _release(self) -> None:
        """Hand on what is due, as far as the link takes it."""
        self._timer = None
        now = monotonic()
        while self._held and self._held[0][0] <= now:
            _, handler, call, payload = self._held.popleft()
            self._weight -= len(payload) + MESSAGE_WEIGHT
            room = self._link.send(handler, call, payload)
            if room is not None:
                self._stalled = True
                room.add_done_callback(self._go_on, context=self._junction.context.copy())
                return
        self._admit()
        if self._held and self._timer is None:
            self._arm()

    def _go_on(self, room: object) -> None:
        self._stalled = False
        self._release()

    def _admit(self) -> None:
        while self._weight < HELD_WEIGHT:
            message = self._waiting.take()
            if message is None:
                return
            self._hold(*message)

    def close(self) -> int:
        """Hold nothing any more, and let nobody wait; how many casts were never sent for that."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        casts = sum(handler >= 0 and call == 0 for _, handler, call, _ in self._held)
        self._held.clear()
        self._weight = 0
        return casts + self._waiting.end()
