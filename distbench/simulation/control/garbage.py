"""The collector of garbage, as far as a node may use it: it comes at moments of the run's own."""

from __future__ import annotations

import gc
from asyncio import events
from collections.abc import Callable, Iterator
from typing import Any

from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import current_machine


def stand_ins() -> Iterator[StandIn]:
    """Of what collects, and of what switches it on and off."""
    yield StandIn(gc, "collect", _collect(gc.collect))
    for switch in (gc.enable, gc.disable):
        yield StandIn(gc, switch.__name__, _kept(switch))


def _collect(real: Callable[..., int]) -> Callable[..., int]:
    """Finalizers of other nodes' objects run in those nodes, although this one collects."""

    def collect(generation: int = 2) -> Any:
        loop: Any = None if current_machine.get() is None else events._get_running_loop()
        return real(generation) if loop is None else loop.collect(generation)

    return collect


def _kept(real: Callable[[], None]) -> Callable[[], None]:
    def switch() -> None:
        if current_machine.get() is None:
            real()

    return switch
