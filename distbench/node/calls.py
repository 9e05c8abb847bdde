"""Which calls of a node wait for a reply."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from distbench.community import PeerId

if TYPE_CHECKING:
    from distbench.node.route import Route


class Calls:
    """Matches replies to calls. A call's number is unique in its node and never 0."""

    __slots__ = ("_last", "_waiting")

    def __init__(self) -> None:
        self._last = 0
        self._waiting: dict[int, tuple[PeerId, Route, asyncio.Future[Any]]] = {}

    def open(self, dst: PeerId, route: Route, loop: asyncio.AbstractEventLoop) -> tuple[int, asyncio.Future[Any]]:
        """A new call to ``dst``: its number, and the future of its reply."""
        self._last = number = self._last + 1
        future = loop.create_future()
        self._waiting[number] = (dst, route, future)
        return number, future

    def close(self, number: int) -> None:
        """The caller goes on, with or without a reply."""
        self._waiting.pop(number, None)

    def match(self, src: PeerId, number: int) -> tuple[Route, asyncio.Future[Any]] | None:
        """The call that a reply from ``src`` answers, if it still waits."""
        found = self._waiting.get(number)
        if found is None or found[0] != src or found[2].done():
            return None
        return found[1], found[2]

    def to(self, dst: PeerId) -> list[asyncio.Future[Any]]:
        """The futures of all calls that wait for ``dst``."""
        return [future for peer, _, future in self._waiting.values() if peer == dst and not future.done()]

    def describe(self, future: object) -> str | None:
        """``reply of n2 to vote``, if ``future`` is that of a call."""
        for peer, route, waiting in self._waiting.values():
            if waiting is future:
                return f"the reply of {peer} to {route.name}"
        return None
