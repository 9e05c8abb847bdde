"""``--latency`` in the real modes: messages are held at the sender's link, and keep their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from distbench.community import PeerId
from distbench.network.frames import Message
from distbench.network.link import TcpLink
from distbench.network.session import check_size
from distbench.node.port import FINISHED

if TYPE_CHECKING:
    from distbench.network.tcp import Junction

Delay: TypeAlias = Callable[[], float]
"""Seconds for one more message."""
_LEAST: Final = 0.001
"""Seconds that the loop's clock can tell apart."""


def drawn_delay(low: int, more: Callable[[], list[int]]) -> Delay:
    """``low`` nanoseconds, and what ``more`` draws on top."""
    draws: list[int] = []

    def delay() -> float:
        nonlocal draws
        if not draws:
            draws = more()
        return (low + draws.pop()) / 1e9

    return delay


class DelayedLink(TcpLink):
    """Holds each message for a while before the session gets it."""

    __slots__ = ("_delay", "_timer")

    def __init__(self, junction: Junction, peer: PeerId, delay: Delay) -> None:
        super().__init__(junction, peer)
        self._delay = delay
        self._timer: asyncio.TimerHandle | None = None

    def send(self, handler: int, call: int, payload: bytes, value: Any = None) -> asyncio.Future[None] | None:
        """Hold a message until its time; what to await while the link is full."""
        if handler == FINISHED:
            return super().send(handler, call, payload)  # no message, and said only when nothing is held
        queue = self.queue
        if handler >= 0 and (queue.blocked or queue.full):
            return self._wait((handler, call, payload))
        check_size(payload)
        self._take((handler, call, payload))
        return None

    def _take(self, message: Message) -> None:
        if not self.over:
            self.queue.hold(monotonic() + self._delay(), message)
            if self._timer is None:
                self._arm()

    def _arm(self) -> None:
        due = self.queue.due
        if due is not None:
            # Rounded up: a timer that fires before its time would be armed again and again.
            self._timer = self._junction.later(max(due - monotonic(), 0.0) + _LEAST, self._release)

    def _release(self) -> None:
        self._timer = None
        self.queue.release(monotonic())
        self.flush()
        self._check_overrun()
        self._arm()

    def leave(self, farewell: str) -> int:
        """Say goodbye, after all that was due; the rest is held no longer."""
        if self._timer is not None:
            self._timer.cancel()
        return super().leave(farewell)
