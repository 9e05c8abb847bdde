"""Links with room: how many messages each takes until one of them has arrived, and who waits until then.

Over TCP a cast or request may wait while other handlers of its node run, and a reply may overtake it. Here it may do so
as well, and more often: there a link has room for some thirty thousand small messages.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import Any, Final, TypeAlias

from distbench.community import PeerId
from distbench.node.senders import Room, Senders
from distbench.simulation.choices import Choices, Key
from distbench.simulation.loop import SimLoop
from distbench.simulation.scheduler import Entry

ROOMS: Final[tuple[int | None, ...]] = (None, 512, 64, 8, 2)
"""What is drawn from: so many messages a link, or any number."""
KEY: Final[Key] = ("room",)
PLAIN_SEED: Final = 0
"""The seed of whoever names none, so the one whose runs people read first, in the guide and in their own terminal: its
links have room for any number, and what is printed there is easy to follow."""

Deliver: TypeAlias = Callable[[PeerId, int, int, bytes, Any], None]


def draw_room(choices: Choices, seed: int) -> int | None:
    """How many messages each link of a run has room for; a record that is replayed has its way under every seed."""
    if seed == PLAIN_SEED:
        choices.settle(KEY)
    return ROOMS[choices.index(KEY, len(ROOMS))]


class RoomyLink:
    """A link that takes casts and requests while fewer messages than its ``room`` are on their way over it.

    The others wait, first come, first served, and are numbered, delayed and sent when they are admitted. Replies never
    wait, so that calls in a circle cannot starve: they come on top, and may overtake what waits. ``carrier``, any other
    link, does the rest.
    """

    __slots__ = ("_carrier", "_deliver", "_in_transit", "_loop", "_room", "_senders", "_waking")

    def __init__(self, loop: SimLoop, room: int, deliver: Deliver, carrier: Callable[[Deliver], Any]) -> None:
        """``carrier`` makes a link that gives all that arrives to its argument."""
        self._loop = loop
        self._room = room
        self._deliver = deliver
        self._carrier = carrier(self._arrived)
        self._in_transit = 0
        self._senders: Senders[tuple[int, int, bytes, Any]] = Senders(loop.create_future)
        self._waking = False

    def send(self, handler: int, call: int, payload: bytes, value: Any) -> Room | None:
        if handler >= 0 and (self._in_transit >= self._room or self._senders):
            return self._senders.wait((handler, call, payload, value))
        self._take((handler, call, payload, value))
        return None

    def _take(self, message: tuple[int, int, bytes, Any]) -> None:
        self._in_transit += 1
        self._carrier.send(*message)

    def _arrived(self, src: PeerId, handler: int, call: int, payload: bytes, value: Any) -> None:
        """A message is there, which makes room whatever becomes of it; the sender hears of it in a step of its own."""
        self._in_transit -= 1
        if self._senders and not self._waking and self._in_transit < self._room:
            self._waking = True
            scheduler = self._loop.scheduler
            heappush(scheduler.heap, (scheduler.now, scheduler.number(), self))
        self._deliver(src, handler, call, payload, value)

    def happen(self, event: Entry) -> None:
        """There is room: take what waits, in its order, and let its senders go on."""
        self._waking = False
        while self._in_transit < self._room and (message := self._senders.next()) is not None:
            self._take(message)

    def end(self) -> int:
        """Nothing is taken any more, and nobody waits; how many casts were never sent for that."""
        return sum(handler >= 0 and call == 0 for handler, call, _, _ in self._senders.end())
