"""Timers that are due at one instant: whose is first, and whether those of one node wake it one by one or together."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, TypeAlias

from distbench.node.current import NodeScope, current_node
from distbench.simulation.scheduler import Entry

if TYPE_CHECKING:
    from distbench.simulation.handles import Timer
    from distbench.simulation.loop import SimLoop

Choose: TypeAlias = Callable[[tuple[Any, ...], int], int]
"""Decides under a key between so many options."""


def take_first(key: tuple[Any, ...], options: int) -> int:
    """The dull choice: what is due fires in the order in which it was armed, and each is played out before the next."""
    return 0


def fire(loop: SimLoop, event: Entry) -> None:
    """A timer is due, and so is something else: let it fire, or another of its instant in its place.

    All timers of an instant are known at the first of them: what is armed for the present is ready at once.
    """
    heap, at, timer = loop.scheduler.heap, event[0], event[2]
    due, others = [event], []
    while heap and heap[0][0] == at:
        entry = heappop(heap)
        if entry[2].__class__ is not timer.__class__:
            others.append(entry)
        elif entry[2].cancelled():
            loop.timers_cancelled -= 1
        else:
            due.append(entry)
    for entry in others:
        heappush(heap, entry)
    if len(due) == 1:
        loop.timer_fired(timer)
    else:
        Ties(loop, due).happen(event)


class _Due:
    """The timers of one node at one instant, in their order, each with its number."""

    __slots__ = ("apart", "node", "timers")

    def __init__(self, node: NodeScope | None) -> None:
        self.node = node
        self.timers: deque[tuple[int, Timer]] = deque()
        self.apart = node is None
        """It is known that they fire one by one."""


def _first(due: _Due) -> int:
    return due.timers[0][0]


class Ties:
    """The timers of one instant, and an event in their place: one turn after another, as long as any is left.

    A turn stands where one of the timers stood, so that messages of the instant keep their place among them.
    """

    __slots__ = ("_due", "_loop", "_places", "_turn", "stale")

    def __init__(self, loop: SimLoop, events: list[Entry]) -> None:
        """``events``: two timers or more that are due now, in the order of their numbers."""
        self._loop = loop
        self._places = [event[1] for event in events]
        self._turn = 0
        self.stale = False
        """One of the timers has been cancelled."""
        nodes: dict[NodeScope | None, _Due] = {}
        for _, number, timer in events:
            node = timer._context.get(current_node)
            if node not in nodes:
                nodes[node] = _Due(node)
            nodes[node].timers.append((number, timer))
            timer._ties = self
        self._due = list(nodes.values())
        """Those that have timers left, by the number of their first."""

    def happen(self, event: Entry) -> None:
        """Draw which node is next; its first timer fires, or all that it has left."""
        at, turn, loop = event[0], self._turn, self._loop
        if self.stale:
            self._sweep()
        if not self._due:
            return
        chosen = loop.choose(("first", at, turn), len(self._due)) if len(self._due) > 1 else 0
        due = self._due.pop(chosen)
        if len(due.timers) > 1 and not due.apart:
            assert due.node is not None
            due.apart = not loop.choose(("together", due.node.node_id, 0, at), 2)
        for _ in range(1 if due.apart else len(due.timers)):
            _, timer = due.timers.popleft()
            timer._ties = None
            loop.timer_fired(timer)
        if due.timers:
            insort(self._due, due, key=_first)
        if self._due:
            self._turn += 1
            heappush(loop.scheduler.heap, (at, self._places[self._turn], self))

    def _sweep(self) -> None:
        """Forget the timers that are cancelled: they are no ties."""
        self.stale = False
        for due in self._due:
            due.timers = deque(entry for entry in due.timers if not entry[1].cancelled())
        self._due = sorted((due for due in self._due if due.timers), key=_first)

    def silence(self, node: NodeScope) -> None:
        """Cancel the timers of a node."""
        for due in self._due:
            if due.node is node:
                for _, timer in due.timers:
                    timer.cancel()
