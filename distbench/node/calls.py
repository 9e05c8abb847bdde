"""Which calls of a node wait for a reply."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from distbench.community import PeerId

if TYPE_CHECKING:
    from distbench.node.route import Route


Waiting: TypeAlias = "tuple[PeerId, Route, asyncio.Future[Any]]"
"""A call that waits: to whom, by which handler, for what."""


class Calls:
    """Matches replies to calls. A call's number is unique in its node and never 0."""

    __slots__ = ("_last", "_sweep_at", "_waiting")

    def __init__(self) -> None:
        self._last = 0
        self._sweep_at = 1000
        self._waiting: dict[int, Waiting] = {}

    def open(self, dst: PeerId, route: Route, future: asyncio.Future[Any]) -> int:
        """A new call to ``dst``: its number. A caller that gives up leaves its future cancelled."""
        self._last = number = self._last + 1
        waiting = self._waiting
        waiting[number] = (dst, route, future)
        if len(waiting) > self._sweep_at:
            self._waiting = {n: call for n, call in waiting.items() if not call[2].done()}
            self._sweep_at = max(1000, 2 * len(self._waiting))
        return number

    def match(self, src: PeerId, number: int) -> Waiting | None:
        """The call that a reply from ``src`` answers, if its caller still waits; it is closed."""
        found = self._waiting.pop(number, None)
        if found is None or found[2].done():
            return None
        if found[0] != src:  # somebody else guessed the number
            self._waiting[number] = found
            return None
        return found

    def to(self, dst: PeerId) -> list[asyncio.Future[Any]]:
        """The futures of all calls that wait for ``dst``."""
        return [future for peer, _, future in self._waiting.values() if peer == dst and not future.done()]

    def waiting(self) -> dict[object, str]:
        """``the reply of n2 to vote`` for the future of each call that waits."""
        return {future: f"the reply of {peer} to {route.name}" for peer, route, future in self._waiting.values()}
