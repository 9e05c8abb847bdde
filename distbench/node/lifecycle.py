"""The phases of a node as a table; a missing entry is an error, not a no-op.

    new --start--> starting --started--> running --leave--> leaving --left--> ended
                       |                     |                 |
                       +------- crash -------+------ crash ----+---> crashed

An interrupted run may also leave before it has started.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from distbench.errors import InternalError


class Phase(Enum):
    """Where a node is in its life."""

    NEW = auto()
    STARTING = auto()
    """``on_start`` of its layers is running for the first time; deliveries wait."""
    RUNNING = auto()
    LEAVING = auto()
    """``on_exit`` and ``report`` run; nothing is delivered any more."""
    ENDED = auto()
    CRASHED = auto()


class Signal(Enum):
    """What moves a node on."""

    START = auto()
    STARTED = auto()
    LEAVE = auto()
    LEFT = auto()
    CRASH = auto()


NEXT: Final = {
    (Phase.NEW, Signal.START): Phase.STARTING,
    (Phase.STARTING, Signal.STARTED): Phase.RUNNING,
    (Phase.RUNNING, Signal.LEAVE): Phase.LEAVING,
    (Phase.LEAVING, Signal.LEFT): Phase.ENDED,
    (Phase.NEW, Signal.LEAVE): Phase.LEAVING,
    (Phase.STARTING, Signal.LEAVE): Phase.LEAVING,
    (Phase.NEW, Signal.CRASH): Phase.CRASHED,
    (Phase.STARTING, Signal.CRASH): Phase.CRASHED,
    (Phase.RUNNING, Signal.CRASH): Phase.CRASHED,
    (Phase.LEAVING, Signal.CRASH): Phase.CRASHED,
}


def following(phase: Phase, signal: Signal) -> Phase:
    """The next phase."""
    try:
        return NEXT[phase, signal]
    except KeyError:
        raise InternalError(f"a node that is {phase.name} cannot take {signal.name}") from None
