"""What a node drops is counted, and said with its right sender and receiver."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, cast

import pytest

import distbench
from distbench import Algorithm, PeerDown, PeerId, Signed, child_algorithm, handler, message
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.events import Dropped, Event
from distbench.running.nodeprocess import NodeProcess
from distbench.running.offline import run_offline
from distbench.running.options import RunOptions
from tests.node.alone import KINDS, N1, N2, N3, Alone


@message
class Letter:
    text: str


@distbench.distbench
class Parting(Algorithm):
    """n2 crashes; n1 sends to it before and after it hears of that, and what n3 has signed to n3."""

    async def on_start(self) -> None:
        if self.id() == N2:
            raise ValueError("broken")
        if self.id() == N1:
            await self.peers[N2].tell("before")
            try:
                await self.peers[N2].ask("anything")
            except PeerDown:
                await self.peers[N2].tell("after")
            letter = await self.peers[N3].ask("a letter")
            await self.peers[N3].take(letter)  # which n1 has not signed
            await self.peers[N3].take(self.sign(Letter("mine")))

    @handler
    async def tell(self, src: PeerId, text: str) -> None: ...

    @handler
    async def ask(self, src: PeerId, text: str) -> Signed[Letter]:
        return self.sign(Letter(text))

    @handler
    async def take(self, src: PeerId, letter: Signed[Letter]) -> None: ...


def test_a_dropped_message_is_said_from_its_sender_to_its_receiver() -> None:
    dropped: list[tuple[str, str, str]] = []

    def hears(event: Event) -> None:
        if isinstance(event, Dropped):
            dropped.append((event.src, event.dst, event.reason))

    config = config_from_mapping({N1: {}, N2: {}, N3: {}})
    result = run_offline(define(Parting), config, RunOptions(), sink=hears)
    assert dropped == [
        (N1, N2, "the node had crashed"),
        (N1, N2, "the node had crashed"),
        (N1, N2, "n2 has crashed"),
        (N1, N3, "the signature of another node"),
    ]
    assert {node: each.dropped for node, each in result.nodes.items()} == {
        N1: {"n2 has crashed": 1},
        N2: {"the node had crashed": 2},
        N3: {"the signature of another node": 1},
    }


def test_what_waited_for_a_peer_that_is_gone_is_dropped_on_its_way_from_here_to_there() -> None:
    async def main(world: Alone) -> None:
        with socket.socket() as sock:
            process = NodeProcess(cast(Any, None), sock)
            process.node = world.node
            process._drop(N2, "is gone", 3)
        assert world.dropped == [(N1, N2, "n2 is gone")] * 3
        assert world.node.drops.reasons == {"n2 is gone": 3}

    KINDS["real"](Parting, main)


# -------------------------------------------------- what came before the node had started


class Receiver(Algorithm):
    """Notes what it is told, and what it is told while it starts."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.meanwhile: Callable[[], None] | None = None

    @handler
    async def tell(self, src: PeerId, number: int) -> None:
        self.heard.append(number)


@distbench.distbench
class Starts(Receiver):
    async def on_start(self) -> None:
        if self.meanwhile is not None:
            self.meanwhile()
        assert self.heard == []


@distbench.distbench
class BreaksInOnStart(Receiver):
    async def on_start(self) -> None:
        if self.meanwhile is not None:
            self.meanwhile()
        raise ValueError("broken")


@distbench.distbench
class BreaksInInit(Receiver):
    def __init__(self) -> None:
        super().__init__()
        raise ValueError("broken")


@distbench.distbench
class Child(Algorithm):
    async def on_start(self) -> None:
        raise ValueError("broken")


@distbench.distbench
class BreaksInAChild(Receiver):
    child: Child = child_algorithm(Child)


@pytest.mark.parametrize("kind", KINDS)
def test_what_came_before_the_start_is_taken_behind_it_in_its_order(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.arrive("tell", b"1", src=N2)
        world.algorithm.meanwhile = lambda: world.arrive("tell", b"2", src=N3)
        world.start()
        world.arrive("tell", b"3", src=N2)
        assert (world.algorithm.heard, world.dropped, world.failures) == ([1, 2, 3], [], [])

    KINDS[kind](Starts, main)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("algorithm", [BreaksInOnStart, BreaksInInit, BreaksInAChild])
def test_what_came_before_a_start_that_failed_is_counted_as_dropped(kind: str, algorithm: type[Algorithm]) -> None:
    async def main(world: Alone) -> None:
        came = [N2, N3]
        world.arrive("tell", b"1", src=N2)
        world.arrive("tell", b"2", src=N3)
        if algorithm is BreaksInOnStart:
            world.algorithm.meanwhile = lambda: world.arrive("tell", b"3", src=N2)
            came.append(N2)
        world.start()
        assert (len(world.failures), world.crashed) == (1, True)
        world.arrive("tell", b"4", src=N3)
        came.append(N3)
        assert world.dropped == [(src, N1, "the node had crashed") for src in came]
        assert world.node.drops.reasons == {"the node had crashed": len(came)}
        assert world.node.messages_in == 0

    KINDS[kind](algorithm, main)
