"""The present step of a loop: the code that runs until it waits. After very many casts it must let others run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

MOST_CASTS: Final = 1_000
"""Casts of one step; then a cast yields, so that an answer can end a loop of casts."""


class Step:
    """How many casts the present step has made. ``casts`` is open to routes and loops: it is the hot path.

    A step belongs to one node, so a loop needs one counter. One that can tell when a step begins sets it to 0 then.
    """

    __slots__ = ("_pause", "casts")

    def __init__(self, pause: float) -> None:
        """``pause``: seconds that ``MOST_CASTS`` take, where no time passes in a step."""
        self.casts = 0
        self._pause = pause

    def full(self) -> Awaitable[None] | None:
        """What to await after the last cast."""
        self.casts = 0
        return asyncio.sleep(self._pause)
