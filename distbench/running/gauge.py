"""A look at a run while it lasts."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class Progress(Struct, frozen=True):
    """How far a run is."""

    seconds: float
    """Since it began; virtual where the run is."""
    messages: int
    """Casts and requests that nodes took so far, replies apart."""
    done: int
    """Nodes that said ``terminate()``."""
    nodes: int
    virtual: bool = True


class Gauge:
    """Shows how far a run is to whoever looks, from any thread; the run itself does nothing for it."""

    def __init__(self, on_attach: Callable[[], object] | None = None) -> None:
        """``on_attach`` is called when there is something to look at."""
        self._read: Callable[[], Progress] | None = None
        self._on_attach = on_attach

    def attach(self, read: Callable[[], Progress]) -> None:
        """A run has begun; ``read`` tells how far it is."""
        self._read = read
        if self._on_attach is not None:
            self._on_attach()

    def read(self) -> Progress | None:
        """How far the run is, or None before it began."""
        return None if self._read is None else self._read()
