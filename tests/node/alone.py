"""One node by itself: a test on its loop holds the other end of its links, and says what arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from distbench import Algorithm, PeerId
from distbench.community import Community, Nodes
from distbench.config import config_from_mapping
from distbench.config.binding import bind
from distbench.definition import define
from distbench.formats import Codec
from distbench.node.activity import NodeLoop
from distbench.node.execution import enter_task, leave_task
from distbench.node.node import Node, NodeFailure
from distbench.node.port import FAULT, NOTHING, REPLY, Link
from distbench.node.route import Codecs, Route
from distbench.node.step import Step
from distbench.node.wiretable import WireTable
from distbench.simulation.choices import Choices
from distbench.simulation.loop import SimLoop
from distbench.simulation.scheduler import Scheduler

N1, N2, N3 = PeerId("n1"), PeerId("n2"), PeerId("n3")


class Sent(NamedTuple):
    """What the node gave to a link."""

    handler: int
    call: int
    payload: bytes
    room: asyncio.Future[None] | None
    """None where it was taken at once."""


class FakeLink:
    """Takes what it is given, or has its sender wait while it is ``full``."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.full = False
        self.given: list[Sent] = []
        self._loop = loop

    def send(self, handler: int, call: int, payload: bytes, value: Any) -> asyncio.Future[None] | None:
        room = self._loop.create_future() if self.full and handler >= 0 else None
        self.given.append(Sent(handler, call, payload, room))
        return room

    @property
    def waiting(self) -> list[Sent]:
        """What was neither taken nor will never be."""
        return [sent for sent in self.given if sent.room is not None and not sent.room.done()]

    @property
    def taken(self) -> list[Sent]:
        """What counts as sent."""
        return [sent for sent in self.given if sent.room is None or (sent.room.done() and not sent.room.cancelled())]

    def admit(self) -> None:
        """There is room for the oldest that waits."""
        for sent in self.waiting[:1]:
            assert sent.room is not None
            sent.room.set_result(None)

    def end(self) -> None:
        """Nothing is taken any more."""
        for sent in self.waiting:
            assert sent.room is not None
            sent.room.cancel()


class FakePort:
    """The world of a node, by hand."""

    interrupts = False

    def __init__(self, loop: asyncio.AbstractEventLoop, step: Step) -> None:
        self.step = step
        self.links: dict[PeerId, FakeLink] = {}
        self._loop = loop

    def link(self, dst: PeerId) -> Link:
        return self.links.setdefault(dst, FakeLink(self._loop))

    def now(self) -> float:
        return 0.0


class Alone:
    """n1 of three nodes. It is told what arrives; what it does otherwise is noted here."""

    def __init__(self, algorithm: type[Algorithm], loop: SimLoop | NodeLoop, told: list[Any]) -> None:
        self.loop = loop
        self.told = told
        """What the loop was told of exceptions that nobody looked at."""
        self.failures: list[NodeFailure] = []
        self.dropped: list[tuple[PeerId, PeerId, str]] = []
        self.crashed = False
        config = config_from_mapping({N1: {}, N2: {}, N3: {}})
        bound = bind(define(algorithm), config)
        self.table = WireTable(bound)
        self.port = FakePort(loop, loop.step)
        self.node = Node(
            N1,
            bound[N1],
            Community(Nodes((N1, N2, N3)), (N2, N3)),
            (N2, N3),
            port=self.port,
            table=self.table,
            codecs=Codecs(Codec("json"), checks_sends=False),
            key=lambda: None,
            choices=Choices(0),
            observer=self,
            loop=loop,
        )

    @property
    def algorithm(self) -> Any:
        return self.node.top.instance

    async def turn(self) -> None:
        """Let everything happen that is ready."""
        for _ in range(10):
            await asyncio.sleep(0)

    def link(self, peer: PeerId = N2) -> FakeLink:
        """The link to a peer, whether the node still uses it or not."""
        self.port.link(peer)
        return self.port.links[peer]

    def route(self, handler: str) -> Route:
        found = self.node.routes[self.table.numbers["", handler]]
        assert found is not None
        return found

    def start(self) -> None:
        with self._in_no_task():
            self.node.start()

    def arrive(self, handler: str, payload: bytes, src: PeerId = N3) -> None:
        """A cast arrives."""
        self._deliver(src, self.table.numbers["", handler], 0, payload)

    def answer(self, call: int, payload: bytes, src: PeerId = N2) -> None:
        """A reply arrives."""
        self._deliver(src, REPLY, call, payload)

    def fault(self, call: int, src: PeerId = N2) -> None:
        """It arrives that the handler raised."""
        self._deliver(src, FAULT, call, b"\xa2no")

    def _deliver(self, src: PeerId, handler: int, call: int, payload: bytes) -> None:
        with self._in_no_task():
            self.node.deliver(src, handler, call, payload, NOTHING)

    @contextmanager
    def _in_no_task(self) -> Iterator[None]:
        """A port delivers from a callback of the loop, and a test is a task."""
        task = asyncio.current_task(self.loop)
        leave_task(self.loop, task)
        try:
            yield
        finally:
            enter_task(self.loop, task)

    # -------------------------------------------------- what a node tells its observer

    def on_terminated(self, node: Node, path: str) -> None: ...

    def on_failure(self, node: Node, failure: NodeFailure) -> None:
        self.failures.append(failure)

    def on_crash(self, node: Node) -> None:
        self.crashed = True

    def on_drop(self, node: Node, src: PeerId, dst: PeerId, reason: str) -> None:
        self.dropped.append((src, dst, reason))

    def on_misfit(self, node: Node, src: PeerId) -> None: ...


Test = Callable[[Alone], Coroutine[Any, Any, None]]


def simulated(algorithm: type[Algorithm], test: Test) -> None:
    """On the loop of a simulation."""
    told: list[Any] = []
    with SimLoop(Scheduler(), told.append) as loop:  # type: ignore[abstract]
        loop.run_to_end(loop.create_task(test(Alone(algorithm, loop, told))))


def real(algorithm: type[Algorithm], test: Test) -> None:
    """On the loop of a node's own process."""
    told: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NodeLoop)
        loop.set_exception_handler(lambda _, context: told.append(context))
        await test(Alone(algorithm, loop, told))

    with asyncio.Runner(loop_factory=NodeLoop) as runner:
        runner.run(main())


KINDS = {"simulated": simulated, "real": real}
