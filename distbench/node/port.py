"""The small port through which a node sees the world; simulation and network both implement it."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

from distbench.community import PeerId
from distbench.node.step import Step

REPLY: Final = -1
"""In place of a handler's number: the reply to a call."""
FAULT: Final = -2
"""In place of a handler's number: the handler of a call raised."""
FINISHED: Final = -3
"""In place of a handler's number: no message; whether a node that has lost its coordinator has anything to do."""
MAX_PAYLOAD: Final = 64 * 2**20
"""Bytes of the largest message that a link takes."""
NOTHING: Final = object()
"""No decoded copy travels with the bytes."""


class Link(Protocol):
    """The directed channel from this node to one peer: delivers once and in order."""

    def send(self, handler: int, call: int, payload: bytes, value: Any) -> asyncio.Future[None] | None:
        """Take a message: None when it is taken, else what is done when there is room for it.

        Cancelled, it says that the message was not taken and never will be, whether its sender gave up or the link.

        ``handler`` is a number of the run's wire table, ``REPLY`` or ``FAULT``; ``call`` is 0 for a cast;
        ``value`` is the decoded copy of the payload where the port checks sends, else ``NOTHING``.
        """


class Port(Protocol):
    """What a node asks of its surroundings."""

    interrupts: bool
    """A KeyboardInterrupt in a step is somebody's Ctrl-C, which ends the run; else it is the algorithm's own."""
    step: Step
    """The step that runs now."""

    def link(self, dst: PeerId) -> Link: ...
    def now(self) -> float:
        """Seconds since the run began."""
