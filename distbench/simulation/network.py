"""Links in memory: when a message arrives is drawn, and each link keeps its order."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappush
from typing import Any, Protocol

from distbench.community import PeerId
from distbench.events import Delivered, Sent, Sink
from distbench.node.port import NOTHING
from distbench.simulation.choices import Choices
from distbench.simulation.loop import SimLoop
from distbench.simulation.scheduler import Entry, Scheduler


class Receiver(Protocol):
    """What a link delivers to."""

    def deliver(self, src: PeerId, handler: int, call: int, payload: bytes, value: Any = NOTHING) -> None: ...
    def peer_down(self, peer: PeerId, reason: str) -> None: ...


class Network:
    """All links of a simulated run; they are made when they are first used."""

    def __init__(self, loop: SimLoop, choices: Choices, low: int, high: int, sink: Sink | None = None) -> None:
        """Messages take ``low`` to ``high`` nanoseconds."""
        self.loop = loop
        self.scheduler: Scheduler = loop.scheduler
        self.choices = choices
        self.low = low
        self.options = max(high - low, 1_000)  # a draw below a microsecond breaks ties at a constant latency
        self.sink = sink
        self.receivers: dict[PeerId, Receiver] = {}

    def port(self, node: PeerId) -> SimPort:
        """The port of one node."""
        return SimPort(self, node)

    def link(self, src: PeerId, dst: PeerId) -> SimLink:
        """A new link; each pair has one."""
        kind = SimLink if self.sink is None else ObservedLink
        return kind(self, src, dst, self.choices.stream(("latency", src, dst, 0), self.options))

    def notice(self, gone: PeerId, reason: str) -> None:
        """Tell every node that ``gone`` is down: like a message from it, behind those that it sent."""
        last: dict[PeerId, int] = {}
        for event in self.scheduler.heap:
            if isinstance(event[2], SimLink) and event[2].src == gone:
                last[event[2].dst] = max(last.get(event[2].dst, 0), event[0])
        for node, receiver in self.receivers.items():
            if node != gone:
                at = self.scheduler.now + self.low + self.choices.index(("notice", gone, node), self.options)
                at = max(at, last.get(node, 0))
                heappush(self.scheduler.heap, (at, self.scheduler.number(), Notice(receiver, gone, reason)))

    def in_transit(self) -> int:
        """Messages on their way."""
        return sum(isinstance(event[2], SimLink) for event in self.scheduler.heap)

    def stop(self) -> None:
        """What is on its way arrives no more."""
        heap = self.scheduler.heap
        heap[:] = [event for event in heap if not isinstance(event[2], (SimLink, Notice))]
        heapify(heap)


class SimPort:
    """The world as a simulated node sees it."""

    __slots__ = ("_network", "_node", "_scheduler", "step")
    interrupts = True

    def __init__(self, network: Network, node: PeerId) -> None:
        self._network = network
        self._node = node
        self._scheduler = network.scheduler
        self.step = network.loop.step

    def link(self, dst: PeerId) -> SimLink:
        return self._network.link(self._node, dst)

    def now(self) -> float:
        return self._scheduler.now / 1e9


class SimLink:
    """One directed link: reliable, FIFO, with a drawn delay a message."""

    __slots__ = (
        "_deliver", "_draws", "_heap", "_last", "_low", "_more", "_network", "_number", "_scheduler", "dst", "src",
    )  # fmt: skip

    def __init__(self, network: Network, src: PeerId, dst: PeerId, more: Callable[[], list[int]]) -> None:
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
        self._deliver = network.receivers[dst].deliver

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

    def __init__(self, network: Network, src: PeerId, dst: PeerId, more: Callable[[], list[int]]) -> None:
        super().__init__(network, src, dst, more)
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

    __slots__ = ("_gone", "_reason", "_receiver")

    def __init__(self, receiver: Receiver, gone: PeerId, reason: str) -> None:
        self._receiver = receiver
        self._gone = gone
        self._reason = reason

    def happen(self, event: Entry) -> None:
        self._receiver.peer_down(self._gone, self._reason)
