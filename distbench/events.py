"""What can be observed of a run. Events are made only while a sink listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from distbench.community import PeerId


@dataclass(frozen=True, slots=True)
class Sent:
    """A message left a node. ``number`` counts the messages on this link, from 0."""

    at: int
    """Nanoseconds of virtual time since the run began; so in every event."""
    src: PeerId
    dst: PeerId
    number: int
    handler: int
    call: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message was given to a node."""

    at: int
    src: PeerId
    dst: PeerId
    handler: int
    call: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Dropped:
    """A message from ``src`` to ``dst`` ended here: a bad signature, bytes that do not fit, a node that is gone.

    What is sent to a node that is known to be gone is dropped by ``src``, all else by ``dst``.
    """

    at: int
    src: PeerId
    dst: PeerId
    reason: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer of a node was due."""

    at: int
    node: PeerId | None


@dataclass(frozen=True, slots=True)
class Terminated:
    """A layer of a node said ``terminate()``; the top layer's path is empty."""

    at: int
    node: PeerId
    path: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A decision was made: ``index`` out of ``options``."""

    key: tuple[str | int, ...]
    options: int
    index: int


Event: TypeAlias = Sent | Delivered | Dropped | TimerFired | Terminated | Drawn


class Sink(Protocol):
    """Takes every event of a run, in order."""

    def __call__(self, event: Event) -> None: ...
