"""Ends of links over real sockets, for the tests: junctions whose owner keeps what it hears, and raw connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import uvloop

from distbench.community import PeerId
from distbench.network.delay import Delay
from distbench.network.frames import Message
from distbench.network.handshake import Initiator
from distbench.network.party import Terms
from distbench.network.tcp import Address, Junction, TcpLink
from distbench.node.activity import NodeLoop
from distbench.signing import KeyPair
from tests.network.greeters import KEYS, N1, N2, ROSTER, TERMS, initiator, party

T = TypeVar("T")

LIMIT = 20.0
"""Seconds after which a test that waits for a fact has failed."""


def on_loop(main: Callable[[], Coroutine[Any, Any, T]], factory: Callable[[], Any] = uvloop.new_event_loop) -> T:
    """Run a test's coroutine on the loop that the real modes use."""
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())


LOOPS: list[Callable[[], Any]] = [uvloop.new_event_loop, asyncio.new_event_loop, NodeLoop]
"""A bare uvloop, what asyncio has where there is no uvloop, and the loop of a node's process."""


class End:
    """A junction and its owner, which keeps all that it hears."""

    def __init__(
        self,
        node: PeerId,
        *,
        keys: KeyPair | None = None,
        terms: Terms = TERMS,
        link_limit: float = 10.0,
        gone_after: float | None = None,
        incarnation: int = 0,
        delay: Delay | None = None,
    ) -> None:
        self.got: list[Message] = []
        self.linked: set[PeerId] = set()
        self.gone: dict[PeerId, str] = {}
        self.unsent = 0
        self.shown: list[str] = []
        self._changed = asyncio.Event()
        self.junction = Junction(
            node,
            keys or KEYS[node],
            terms,
            self,
            gone_after=gone_after,
            link_limit=link_limit,
            incarnation=incarnation,
            delays=lambda peer: delay,
        )
        self.junction.roster.update({peer: key for peer, key in ROSTER.items() if peer != node})
        self.address: Address = ("127.0.0.1", 0)

    async def listen(self) -> None:
        sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address = sock.getsockname()
        await self.junction.listen(sock)

    def link(self, peer: PeerId) -> TcpLink:
        return self.junction.link(peer)

    def has(self, count: int) -> bool:
        """So many messages have arrived."""
        return len(self.got) >= count

    async def until(self, fact: Callable[[], object], limit: float = LIMIT) -> None:
        """Wait until ``fact`` holds; it is looked at whenever the junction reports something, and now and then."""
        async with asyncio.timeout(limit):
            while not fact():
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await self._changed.wait()

    # -------------------------------------------------- Owner

    def on_message(self, peer: PeerId, handler: int, call: int, payload: bytes) -> None:
        self.got.append((handler, call, payload))
        self._changed.set()

    def on_linked(self, peer: PeerId, key: bytes, run: bytes) -> None:
        self.linked.add(peer)
        self._changed.set()

    def on_gone(self, peer: PeerId, reason: str, unsent: int) -> None:
        self.gone[peer] = reason
        self.unsent += unsent
        self._changed.set()

    def on_refused(self, peer: PeerId | None, reason: str) -> None:
        self.shown.append(reason)
        self._changed.set()


@asynccontextmanager
async def closing(*ends: End) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.gather(*(end.junction.aclose() for end in ends))


@asynccontextmanager
async def pair(**options: Any) -> AsyncIterator[tuple[End, End]]:
    """n1 and n2 with a link between them; ``options`` are n1's."""
    one, two = End(N1, **options), End(N2)
    await two.listen()
    async with closing(one, two):
        one.junction.dial(N2, two.address)
        await one.until(lambda: one.linked)
        await two.until(lambda: two.linked)
        yield one, two


def transport_of(end: End, peer: PeerId) -> asyncio.Transport:
    """What carries a link at present, to disturb it from within."""
    connection = end.link(peer)._connection
    assert connection is not None
    return connection._transport


@asynccontextmanager
async def serving(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> AsyncIterator[Address]:
    """A plain TCP server at a free port."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()


class Raw:
    """A plain TCP connection to an end, for what no junction would say."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def shake(self, initiator: Initiator) -> None:
        """Prove to be a node."""
        self.writer.write(initiator.first())
        while not initiator.done:
            data = await self.reader.read(4096)
            assert data, "the handshake was refused"
            self.writer.write(initiator.receive(data))

    async def all(self) -> bytes:
        """What the other side writes before it closes."""
        try:
            async with asyncio.timeout(LIMIT):
                return await self.reader.read(-1)
        except ConnectionError:
            return b""


@asynccontextmanager
async def raw(address: Address) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def as_n1(received: int = 0, number: int = 1) -> Initiator:
    """A handshake in which n1 dials n2."""
    return initiator(party(N1, received), number=number)
