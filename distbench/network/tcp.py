"""Sockets: connections that carry handshakes and sessions. What to do is decided by those; here bytes are moved.

A ``Junction`` is one node's end of all its links. It listens, dials, dials again when a connection breaks, and hands
on what arrives. The node that stands first in the order of the config dials, so each pair has one connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import Counter, deque
from collections.abc import Awaitable
from typing import Any, Final, Protocol, cast

from distbench.community import PeerId
from distbench.errors import WireError
from distbench.network.framing import FrameReader
from distbench.network.handshake import Handshake, Initiator, Responder, encode_refusal
from distbench.network.party import Cause, HandshakeRefused, Party, Terms
from distbench.network.session import Phase, Session
from distbench.signing import KeyPair, verify

logger = logging.getLogger(__name__)

HANDSHAKE_LIMIT: Final = 5.0
"""Seconds that a handshake may take; a connection that says nothing is closed then."""
UNFINISHED_LIMIT: Final = 128
"""Handshakes of others under way at once; one more is refused."""
LINK_LIMIT: Final = 10.0
"""Seconds after which a peer that takes nothing, while a cast waits for it, is cut off."""
SILENCE: Final = 10.0
"""Seconds without a sign of life after which a peer is named in the log."""
GONE_AFTER: Final = 5.0
"""Seconds without a connection after which a peer counts as gone, where nobody else notices a death."""
_ACK_DELAY: Final = 0.02
_HEARTBEAT: Final = 2.5
_REDIAL: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)

Address = tuple[str, int]


class Owner(Protocol):
    """Whose junction it is: takes what arrives, and hears how the links fare."""

    def on_message(self, peer: PeerId, handler: int, call: int, payload: bytes) -> None: ...
    def on_linked(self, peer: PeerId, key: bytes, run: bytes) -> None:
        """The first handshake with ``peer`` is done."""

    def on_gone(self, peer: PeerId, reason: str) -> None:
        """``peer`` is gone for the rest of the run."""

    def on_refused(self, peer: PeerId | None, reason: str) -> None:
        """A handshake was refused; ``peer`` where this side dialled."""


class Junction:
    """All links of one participant: a node, or the coordinator."""

    def __init__(
        self,
        me: PeerId,
        keys: KeyPair,
        terms: Terms,
        owner: Owner,
        *,
        gone_after: float | None = None,
        link_limit: float = LINK_LIMIT,
        incarnation: int = 0,
    ) -> None:
        """``gone_after`` None: another one says when a peer is gone."""
        self.me = me
        self.terms = terms
        self.owner = owner
        self.roster: dict[PeerId, bytes | None] = {}
        """Who may connect: the key of each, or None where the first that proves itself is to stand."""
        self.refused: Counter[str] = Counter()
        """Handshakes refused and connections closed for their bytes, by cause."""
        self.link_limit = link_limit
        self.gone_after = gone_after
        self.loop = asyncio.get_running_loop()
        self.closing = False
        self._keys = keys
        self._incarnation = incarnation
        self._links: dict[PeerId, TcpLink] = {}
        self._server: asyncio.Server | None = None
        self._unfinished: set[Connection] = set()
        self._connections: set[Connection] = set()
        self._dialling: dict[PeerId, asyncio.Task[None]] = {}
        self._heart: asyncio.TimerHandle | None = None

    # -------------------------------------------------- opening and closing

    async def listen(self, sock: socket.socket) -> None:
        """Take connections on a socket that is bound already."""
        self._server = await self.loop.create_server(lambda: Connection(self, None), sock=sock, backlog=1024)

    def dial(self, peer: PeerId, address: Address) -> None:
        """Connect to ``peer``, and again whenever the connection breaks."""
        self._dialling[peer] = self.loop.create_task(self._dial(peer, address), name=f"dial {peer}")
        self.beat()

    async def _dial(self, peer: PeerId, address: Address) -> None:
        attempt = 0
        link = self.link(peer)
        while not self.closing and not link.over:
            connection = Connection(self, peer)
            try:
                await self.loop.create_connection(lambda made=connection: made, *address)  # type: ignore[misc]
                if await connection.proven:
                    attempt = 0
                    await connection.lost
                    continue
            except OSError as error:
                link.trouble = f"{address[0]}:{address[1]} {os.strerror(error.errno) if error.errno else error}"
            await asyncio.sleep(_REDIAL[min(attempt, len(_REDIAL) - 1)])
            attempt += 1

    async def aclose(self, reason: str = "the run is over") -> None:
        """Say goodbye on every link and close it; wait until what was written has left."""
        self.closing = True
        for task in self._dialling.values():
            task.cancel()
        if self._heart is not None:
            self._heart.cancel()
        if self._server is not None:
            self._server.close()
        for link in self._links.values():
            link.leave(reason)
        for connection in list(self._unfinished):
            connection.abort()
        waiting = [connection.lost for connection in self._connections]
        if waiting:
            await asyncio.wait(waiting, timeout=1.0)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.gather(*self._dialling.values(), return_exceptions=True)

    # -------------------------------------------------- links

    def link(self, peer: PeerId) -> TcpLink:
        """The link to ``peer``; there is one for each pair."""
        found = self._links.get(peer)
        if found is None:
            found = self._links[peer] = TcpLink(self, peer)
        return found

    @property
    def links(self) -> dict[PeerId, TcpLink]:
        """All links by peer."""
        return self._links

    def party(self) -> Party:
        """This participant as it stands in a handshake that begins now."""
        return Party(
            node=self.me,
            keys=self._keys,
            incarnation=self._incarnation,
            terms=self.terms,
            roster=self.roster,
            verify=verify,
            received=lambda peer, incarnation: self.link(peer).take_over(incarnation),
        )

    def cut(self, peer: PeerId, reason: str) -> None:
        """Have nothing to do with ``peer`` any more, and say so to the owner."""
        link = self.link(peer)
        if not link.over:
            link.leave(reason)
            if peer in self._dialling:
                self._dialling[peer].cancel()
            self.owner.on_gone(peer, reason)

    # -------------------------------------------------- what connections report

    def may_begin(self, connection: Connection) -> bool:
        """Whether one more handshake may begin."""
        if self.closing or len(self._unfinished) >= UNFINISHED_LIMIT:
            self.refused["too many unfinished handshakes"] += 1
            return False
        self._unfinished.add(connection)
        return True

    def finished(self, connection: Connection) -> None:
        """A handshake is over, well or not."""
        self._unfinished.discard(connection)

    def agreed(self, connection: Connection, handshake: Handshake) -> TcpLink:
        """A peer has proven who it is."""
        result = handshake.result
        self.roster[result.peer] = result.key  # the first key that proves itself stands
        link = self.link(result.peer)
        link.attach(connection, result.received, result.incarnation)
        self._connections.add(connection)
        if not link.linked:
            link.linked = True
            self.owner.on_linked(result.peer, result.key, result.run)
        self.beat()
        return link

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self._unfinished.discard(connection)
        self._connections.discard(connection)

    def refuse(self, peer: PeerId | None, error: WireError) -> None:
        """A handshake or a frame was not as it must be."""
        cause = error.cause if isinstance(error, HandshakeRefused) else Cause.MALFORMED
        self.refused[str(cause)] += 1
        self.owner.on_refused(peer, str(error))

    # -------------------------------------------------- the passing of time

    def beat(self) -> None:
        """See to it that the heart beats."""
        if self._heart is None and not self.closing:
            self._heart = self.loop.call_later(_HEARTBEAT, self._beat)

    def _beat(self) -> None:
        self._heart = None
        now = self.loop.time()
        for peer, link in list(self._links.items()):
            if not link.over:
                link.beat(now)
                if link.overdue(now):
                    self.cut(peer, f"was cut off: it took nothing for {self.link_limit:g} s")
                elif link.missing(now, self.gone_after):
                    self.cut(peer, f"is gone: no connection for {self.gone_after:g} s")
        if any(link.blocked for link in self._links.values()):
            self._heart = self.loop.call_later(min(_HEARTBEAT, self.link_limit / 8), self._beat)
        else:
            self.beat()

    def watch(self) -> None:
        """A sender waits: look at the link limit more often."""
        if self._heart is not None:
            self._heart.cancel()
        if not self.closing:
            self._heart = self.loop.call_later(min(_HEARTBEAT, self.link_limit / 8), self._beat)


class TcpLink:
    """A reliable FIFO link to one peer, over one connection after another."""

    __slots__ = (
        "_acks", "_connection", "_flushing", "_junction", "_lost_at", "_loop", "_progress", "_silent", "_waiters",
        "heard", "incarnation", "linked", "over", "peer", "session", "trouble",
    )  # fmt: skip

    def __init__(self, junction: Junction, peer: PeerId) -> None:
        self.peer = peer
        self.session = Session()
        self.incarnation: int | None = None
        self.linked = False
        self.over = False
        self.trouble = ""
        """Why there is no connection, as far as known."""
        self.heard = 0.0
        self._junction = junction
        self._loop = junction.loop
        self._connection: Connection | None = None
        self._flushing = False
        self._acks: asyncio.TimerHandle | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._progress = (0, 0.0)
        self._lost_at: float | None = None
        self._silent = False

    @property
    def blocked(self) -> bool:
        """A sender waits for room."""
        return bool(self._waiters)

    # -------------------------------------------------- sending

    def send(self, handler: int, call: int, payload: bytes, value: Any = None) -> Awaitable[None] | None:
        """Number a message and write it at the end of this turn; what to await while the link is full."""
        if (self.session.full or self._waiters) and handler >= 0:
            return self._send_later(handler, call, payload)
        if self.session.send(handler, call, payload):
            self.flush()
        elif not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)
        if handler < 0 and self.session.overrun:
            self._junction.cut(self.peer, "was cut off: it asked and did not take the answers")
        return None

    async def _send_later(self, handler: int, call: int, payload: bytes) -> None:
        await self._queue()
        if not self.over:
            if self.session.send(handler, call, payload):
                self.flush()
            elif not self._flushing:
                self._flushing = True
                self._loop.call_soon(self.flush)
        self._wake()

    async def room(self) -> None:
        """Wait until there is room, behind all that wait already."""
        await self._queue()
        self._wake()

    async def _queue(self) -> None:
        if not self._waiters:
            self._progress = (self.session.acked, self._loop.time())
            self._junction.watch()
        waiter: asyncio.Future[None] = asyncio.Future(loop=self._loop)
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif not waiter.cancelled():
                self._wake()  # the room that was meant for this one
            raise

    def _wake(self) -> None:
        """Let the next one that waits go on, if there is room."""
        while self._waiters and (self.over or not self.session.full):
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return  # it wakes the next one when it has sent

    def flush(self) -> None:
        self._flushing = False
        connection = self._connection
        if connection is not None:
            connection.write_out(self.session)

    # -------------------------------------------------- connections come and go

    def take_over(self, incarnation: int) -> int | None:
        """A new connection is about to be made: the old one is read no more. What was received so far."""
        if self.over or (self.incarnation is not None and incarnation < self.incarnation):
            return None
        if self._connection is not None:
            self._connection.abort()
            self.detach(self._connection)
        return self.session.received if incarnation == self.incarnation else 0

    def attach(self, connection: Connection, peer_received: int, incarnation: int) -> None:
        """A handshake is done: carry on over this connection."""
        if incarnation != self.incarnation:
            self.incarnation = incarnation
        self.session.on_connected(peer_received)
        self._connection = connection
        self.heard = self._loop.time()
        self._lost_at = None
        self.flush()

    def detach(self, connection: Connection) -> None:
        """A connection is gone; the session waits for the next."""
        if connection is self._connection:
            self._connection = None
            self._lost_at = self._loop.time()
            self.session.on_disconnected()

    def received(self) -> None:
        """Frames arrived: acknowledge in time, and let waiting senders go on."""
        session = self.session
        if session.ack_due:
            self.flush()
        elif session.owes_ack and self._acks is None:
            self._acks = self._loop.call_later(_ACK_DELAY, self._acknowledge)
        if self._waiters and not session.full:
            self._wake()
        if session.phase is Phase.CLOSED and not self.over:
            self._junction.cut(self.peer, f"has left: {session.farewell}")

    def _acknowledge(self) -> None:
        self._acks = None
        if self.session.owes_ack and self._connection is not None:
            self._connection.write(self.session.ack())

    def leave(self, reason: str) -> None:
        """Say goodbye, after all that was sent; nobody waits for this link any more."""
        if self.over:
            return
        connection = self._connection
        if connection is not None and self.session.phase is Phase.UP:
            connection.write_out(self.session)
            connection.say_bye(self.session.bye(reason))
        self.over = True
        if self._acks is not None:
            self._acks.cancel()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    # -------------------------------------------------- the passing of time

    def beat(self, now: float) -> None:
        """Give a sign of life; name a peer that gives none."""
        if self._connection is None:
            return
        if self.session.phase is Phase.UP:
            self._connection.write(self.session.ack())
        silent = now - self.heard > SILENCE
        if silent and not self._silent:
            logger.warning("%s has been silent for %.0f s", self.peer, now - self.heard)
        if self._silent and not silent:
            logger.warning("%s can be heard again", self.peer)
        self._silent = silent

    def overdue(self, now: float) -> bool:
        """A sender waits, and the peer has freed nothing for the link limit."""
        if not self._waiters:
            return False
        acked, since = self._progress
        if self.session.acked != acked:
            self._progress = (self.session.acked, now)
            return False
        return now - since > self._junction.link_limit

    def missing(self, now: float, limit: float | None) -> bool:
        """It was there once, and no connection has come back in time."""
        return limit is not None and self._lost_at is not None and now - self._lost_at > limit


class Connection(asyncio.Protocol):
    """One TCP connection: first a handshake, then a session's frames."""

    def __init__(self, junction: Junction, peer: PeerId | None) -> None:
        """``peer``: whom this side dials; None where it was dialled."""
        self._junction = junction
        self._dialled = peer
        self._handshake: Handshake | None = None
        self._link: TcpLink | None = None
        self._reader = FrameReader()
        self._paused = False
        self._limit: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.proven: asyncio.Future[bool] = asyncio.Future(loop=junction.loop)
        """Whether the handshake went well."""
        self.lost: asyncio.Future[None] = asyncio.Future(loop=junction.loop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own transports are no subclass
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._dialled is None and not self._junction.may_begin(self):
            self._transport.write(encode_refusal("too many handshakes are under way; try again later"))
            transport.close()
            return
        nonce = os.urandom(32)
        party = self._junction.party()
        self._handshake = Responder(party, nonce) if self._dialled is None else Initiator(party, nonce, self._dialled)
        self._limit = self._junction.loop.call_later(HANDSHAKE_LIMIT, self._too_slow)
        first = self._handshake.first()
        if first:
            self._transport.write(first)

    def data_received(self, data: bytes) -> None:
        try:
            if self._link is not None:
                self._frames(self._link, data)
            elif self._handshake is not None:
                self._shake(self._handshake, data)
        except WireError as error:
            if isinstance(error, HandshakeRefused) and error.answer:
                self._transport.write(error.answer)
            self._junction.refuse(self._dialled if self._link is None else self._link.peer, error)
            self._end_handshake(False)
            self._transport.close()

    def _shake(self, handshake: Handshake, data: bytes) -> None:
        answer = handshake.receive(data)
        if answer:
            self._transport.write(answer)
        if handshake.done:
            self._link = self._junction.agreed(self, handshake)
            self._end_handshake(True)
            rest = handshake.rest
            self._handshake = None
            if rest:
                self._frames(self._link, rest)

    def _frames(self, link: TcpLink, data: bytes) -> None:
        session, peer, deliver = link.session, link.peer, self._junction.owner.on_message
        link.heard = self._junction.loop.time()
        for frame in self._reader.feed(data):
            if self._link is None:
                return
            for handler, call, payload in session.receive(frame):
                deliver(peer, handler, call, payload)
        link.received()

    def _end_handshake(self, good: bool) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._junction.finished(self)
        if not self.proven.done():
            self.proven.set_result(good)

    def _too_slow(self) -> None:
        self._junction.refused["handshake not finished in time"] += 1
        self._transport.write(encode_refusal(f"the handshake took longer than {HANDSHAKE_LIMIT:g} s"))
        self._end_handshake(False)
        self._transport.close()

    # -------------------------------------------------- writing

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def write_out(self, session: Session) -> None:
        """Write what waits, as far as the transport takes it without piling up."""
        while not self._paused:
            data = session.take_output()
            if not data:
                return
            self._transport.write(data)

    def say_bye(self, farewell: bytes) -> None:
        """The last bytes; then close, once they have left."""
        self._transport.write(farewell)
        self._transport.close()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._link is not None and not self._link.over:
            self.write_out(self._link.session)

    def abort(self) -> None:
        """Close at once; what arrives from now on is not read."""
        self._link = None
        self._handshake = None
        self._end_handshake(False)
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._end_handshake(False)
        self._junction.lost(self)
        link, self._link = self._link, None
        if link is not None:
            link.detach(self)
        if not self.lost.done():
            self.lost.set_result(None)
