"""Links in memory: when a message arrives is drawn, and each link keeps its order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from heapq import heapify, heappush
from typing import Any, Protocol

from distbench.community import PeerId
from distbench.events import Delivered, Sent, Sink
from distbench.node.port import NOTHING, Link
from distbench.simulation.choices import Choices
from distbench.simulation.loop import SimLoop
from distbench.simulation.room import Deliver, RoomyLink
from distbench.simulation.scheduler import Entry, Scheduler


class Receiver(Protocol):
    """What a link delivers to."""

    def deliver(self, src: PeerId, handler: int, call: int, payload: bytes, value: Any = NOTHING) -> None: ...
    def peer_down(self, peer: PeerId, reason: str) -> None: ...
    def drop_unsent(self, dst: PeerId, reason: str) -> None: ...


class Network:
    """All links of a simulated run; they are made when they are first used."""

    def __init__(
        self, loop: SimLoop, choices: Choices, low: int, high: int, sink: Sink | None = None, room: int | None = None
    ) -> None:
        """Messages take ``low`` to ``high`` nanoseconds. ``room``: how many each link takes at a time, None for all."""
        self.loop = loop
        self.scheduler: Scheduler = loop.scheduler
        self.choices = choices
        self.low = low
        self.options = max(high - low, 1_000)  # a draw below a microsecond breaks ties at a constant latency
        self.sink = sink
        self.room = room
        self.receivers: dict[PeerId, Receiver] = {}
        self._roomy: dict[tuple[PeerId, PeerId], RoomyLink] = {}

    def port(self, node: PeerId) -> SimPort:
        """The port of one node."""
        return SimPort(self, node)

    def link(self, src: PeerId, dst: PeerId) -> Link:
        """A new link; each pair has one."""
        kind = SimLink if self.sink is None else ObservedLink
        more = self.choices.stream(("latency", src, dst, 0), self.options)
        deliver = self.receivers[dst].deliver
        if self.room is None:
            return kind(self, src, dst, more, deliver)
        link = self._roomy[src, dst] = RoomyLink(self.loop, self.room, deliver, partial(kind, self, src, dst, more))
        return link

    def silence(self, node: PeerId) -> None:
        """What waits for room at ``node`` is sent no more."""
        for (src, _), link in self._roomy.items():
            if src == node:
                link.end()

    def give_up(self, src: PeerId, dst: PeerId, reason: str) -> None:
        """``src`` knows that ``dst`` is down: casts that wait for it are dropped and counted."""
        link = self._roomy.get((src, dst))
        for _ in range(0 if link is None else link.end()):
            self.receivers[src].drop_unsent(dst, f"{dst} {reason}")

    def notice(self, gone: PeerId, reason: str) -> None:
        """Tell every node that ``gone`` is down: like a message from it, behind those that it sent."""
        last: dict[PeerId, int] = {}
        for event in self.scheduler.heap:
            if isinstance(event[2], SimLink) and event[2].src == gone:
                last[event[2].dst] = max(last.get(event[2].dst, 0), event[0])
        for node in self.receivers:
            if node != gone:
                at = self.scheduler.now + self.low + self.choices.index(("notice", gone, node), self.options)
                at = max(at, last.get(node, 0))
                heappush(self.scheduler.heap, (at, self.scheduler.number(), Notice(self, node, gone, reason)))

    def in_transit(self) -> int:
        """Messages on their way; what waits for room was not sent."""
        return sum(isinstance(event[2], SimLink) for event in self.scheduler.heap)

    def stop(self) -> None:
        """What is on its way arrives no more, and nobody waits for room."""
        heap = self.scheduler.heap
        heap[:] = [event for event in heap if not isinstance(event[2], (SimLink, RoomyLink, Notice))]
        heapify(heap)
        for link in self._roomy.values():
            link.end()


class SimPort:
    """The world as a simulated node sees it."""

    __slots__ = ("_network", "_node", "_scheduler", "step")
    interrupts = True

    def __init__(self, network: Network, node: PeerId) -> None:
        self._network = network
        self._node = node
        self._scheduler = network.scheduler
        self.step = network.loop.step

    def link(self, dst: PeerId) -> Link:
        return self._network.link(self._node, dst)

    def now(self) -> float:
        return self._scheduler.now / 1e9


class SimLink:
    """One directed link: reliable, FIFO, with a drawn delay a message."""

    __slots__ = (
        "_deliver", "_draws", "_heap", "_last", "_low", "_more", "_network", "_number", "_scheduler", "dst", "src",
    )  # fmt: skip

    def __init__(
        self, network: Network, src: PeerId, dst: PeerId, more: Callable[[], list[int]], deliver: Deliver
    ) -> None:
        self.src = src
        self.dst = dst
        self._network = network
        self._draws: list[int] = []
        self._more = more
        self._low = network.low
        self._last = 0
        self._scheduler = network.scheduler
        self._heap = network.scheduler.heap
        self._number = network.scheduler.number
        self._deliver = deliver

    def send(self, handler: int, call: int, payload: bytes, value: Any) -> None:
        draws = self._draws
        if not draws:
            draws = self._draws = self._more()
        number = self._number  # a local name, as in Route
        at = self._scheduler.now + self._low + draws.pop()
        if at < self._last:
            at = self._last  # behind the one before, which the number keeps first
        else:
            self._last = at
        heappush(self._heap, (at, number(), self, handler, call, payload, value))

    def happen(self, event: Entry) -> None:
        _, _, _, handler, call, payload, value = event
        deliver = self._deliver
        deliver(self.src, handler, call, payload, value)


class ObservedLink(SimLink):
    """A link that tells a sink what it does."""

    __slots__ = ("_sent",)

    def __init__(
        self, network: Network, src: PeerId, dst: PeerId, more: Callable[[], list[int]], deliver: Deliver
    ) -> None:
        super().__init__(network, src, dst, more, deliver)
        self._sent = 0

    def send(self, handler: int, call: int, payload: bytes, value: Any) -> None:
        sink = self._network.sink
        if sink is not None:
            sink(Sent(self._scheduler.now, self.src, self.dst, self._sent, handler, call, payload))
        self._sent += 1
        super().send(handler, call, payload, value)

    def happen(self, event: Entry) -> None:
        sink = self._network.sink
        if sink is not None:
            sink(Delivered(self._scheduler.now, self.src, self.dst, event[3], event[4], event[5]))
        super().happen(event)


class Notice:
    """The failure notice on its way to one node."""

    __slots__ = ("_gone", "_network", "_node", "_reason")

    def __init__(self, network: Network, node: PeerId, gone: PeerId, reason: str) -> None:
        self._network = network
        self._node = node
        self._gone = gone
        self._reason = reason

    def happen(self, event: Entry) -> None:
        self._network.receivers[self._node].peer_down(self._gone, self._reason)
        self._network.give_up(self._node, self._gone, self._reason)
