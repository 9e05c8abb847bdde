"""Which calls of a node wait for a reply."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from distbench.community import PeerId
from distbench.errors import PeerDown

if TYPE_CHECKING:
    from distbench.node.route import Route


Waiting: TypeAlias = "tuple[PeerId, Route, asyncio.Future[Any]]"
"""A call that waits: to whom, by which handler, for what."""


def fail_call(future: asyncio.Future[Any], error: Exception) -> None:
    """Raise ``error`` where a call is awaited. A caller that is cancelled at this moment never looks at it, and no
    one else can: that is no failure of the node's."""
    future.set_exception(error)
    future.exception()  # looked at


SWEEP_EVERY: Final = 1024
"""Calls, a power of two: so often those are forgotten whose callers have given up."""


class Calls:
    """Matches replies to calls. A call's number is unique in its node and never 0.

    ``last`` and ``waiting`` are open to routes, which enter each call themselves: it is the hot path. A caller that
    gives up leaves its future cancelled.
    """

    __slots__ = ("last", "waiting")

    def __init__(self) -> None:
        self.last = 0
        self.waiting: dict[int, Waiting] = {}

    def sweep(self) -> None:
        """Forget the calls that nobody waits for any more."""
        self.waiting = {number: call for number, call in self.waiting.items() if not call[2].done()}

    def give_up(self, dst: PeerId, reason: str) -> None:
        """No reply will come from ``dst`` any more: who waits for one gets ``PeerDown``."""
        self.sweep()
        for number, (peer, _, future) in list(self.waiting.items()):
            if peer == dst:
                del self.waiting[number]
                fail_call(future, PeerDown(dst, reason))

    def named(self) -> dict[object, str]:
        """``the reply of n2 to vote`` for the future of each call that waits."""
        return {future: f"the reply of {peer} to {route.name}" for peer, route, future in self.waiting.values()}
