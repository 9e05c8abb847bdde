"""A link over TCP: a session, whichever connection carries it, and the senders that wait for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from distbench.community import PeerId
from distbench.network.session import Phase, Session
from distbench.network.waiting import Waiting

if TYPE_CHECKING:
    from distbench.network.connection import Connection
    from distbench.network.tcp import Junction

logger = logging.getLogger(__name__)

SILENCE: Final = 10.0
"""Seconds without a sign of life after which a peer is named in the log."""
DOUBT: Final = 3.0
"""Seconds without a sign of life, of which each side gives one every 2.5, after which a connection is doubtful."""
_ACK_DELAY: Final = 0.02


class _Stuck(NamedTuple):
    """How far the peer was when a sender first had to wait, or when it last moved."""

    acked: int
    drained: int
    since: float


class TcpLink:
    """A reliable FIFO link to one peer, over one connection after another.

    What is kept for the peer weighs at most ``RESEND_WEIGHT``, one batch and one message; then senders of casts and
    requests wait. Replies never wait: they come on top, and a peer that lets them pile up is cut off.
    """

    __slots__ = (
        "_acks", "_connection", "_flushing", "_heard", "_junction", "_loop", "_lost_at", "_silent", "_stuck",
        "_waited", "_waiting", "blocked", "incarnation", "linked", "over", "peer", "session", "trouble",
    )  # fmt: skip

    def __init__(self, junction: Junction, peer: PeerId) -> None:
        self.peer = peer
        self.session = Session()
        self.incarnation: int | None = None
        self.linked = False
        self.over = False
        self.blocked = False
        """Senders wait for room."""
        self.trouble = ""
        """Why there is no connection, as far as known."""
        self._junction = junction
        self._loop = junction.loop
        self._connection: Connection | None = None
        self._flushing = False
        self._acks: asyncio.TimerHandle | None = None
        self._waiting = Waiting(junction.loop)
        self._waited = False  # somebody did since the last beat
        self._stuck: _Stuck | None = None
        self._heard = 0.0
        self._lost_at: float | None = None
        self._silent = False

    @property
    def connection(self) -> Connection | None:
        """What carries the session at the moment."""
        return self._connection

    @property
    def waiting(self) -> int:
        """Messages whose senders wait for room; the session has not numbered them yet."""
        return len(self._waiting) if self.blocked else 0

    # -------------------------------------------------- sending

    def send(self, handler: int, call: int, payload: bytes, value: Any = None) -> asyncio.Future[None] | None:
        """Number a message and write it at the end of this turn; what to await while the link is full."""
        if handler >= 0 and (self.session.full or self.blocked):
            return self._wait(handler, call, payload)
        if self.session.send(handler, call, payload):
            self.flush()
            if handler < 0 and self.session.overrun:
                self._junction.cut(self.peer, "was cut off: it asked and did not take the answers")
        elif not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)
        return None

    def _wait(self, handler: int, call: int, payload: bytes) -> asyncio.Future[None]:
        room = self._waiting.add(handler, call, payload)
        self.blocked = self._waited = True
        if self._stuck is None:
            self._stuck = _Stuck(self.session.acked, self._drained(), self._loop.time())
            self._junction.watch()
        return room

    def _admit(self) -> None:
        """Take what waits, in its order, while there is room."""
        session = self.session
        while not session.full:
            message = self._waiting.take()
            if message is None:
                self.blocked = False
                break
            session.send(*message)
        self.flush()

    def flush(self) -> None:
        """Write what waits, if there is a connection."""
        self._flushing = False
        connection = self._connection
        if connection is not None:
            connection.write_out(self.session)

    # -------------------------------------------------- connections come and go

    def take_over(self, incarnation: int) -> int | None:
        """A new connection is about to be made: the old one is read no more. What was received so far."""
        if self.over or (self.incarnation is not None and incarnation < self.incarnation):
            return None
        connection = self._connection
        if connection is not None:
            self.detach(connection)
            connection.abort()
        return self.session.received if incarnation == self.incarnation else 0

    def attach(self, connection: Connection, peer_received: int, incarnation: int) -> None:
        """A handshake is done: carry on over this connection. Raises WireError for a number that cannot be."""
        if incarnation != self.incarnation:
            if self.incarnation is not None:  # it has restarted, and knows nothing of the old session
                self.session = Session()
            self.incarnation = incarnation
        self.session.on_connected(peer_received)
        self._connection = connection
        self._heard = self._loop.time()
        self._lost_at = None
        self.trouble = ""
        if self.blocked:
            self._admit()
        else:
            self.flush()

    def detach(self, connection: Connection) -> None:
        """A connection is gone; the session waits for the next."""
        if connection is self._connection:
            self._connection = None
            self._lost_at = self._loop.time()
            self.session.on_disconnected()

    def received(self) -> None:
        """Frames arrived: acknowledge in time, and let waiting senders go on."""
        if self.over:
            return
        session = self.session
        self._heard = self._loop.time()
        if session.ack_due:
            self.flush()
        elif session.owes_ack and self._acks is None:
            self._acks = self._loop.call_later(_ACK_DELAY, self._acknowledge)
        if self.blocked and not session.full:
            self._admit()
        if session.phase is Phase.CLOSED:
            self._junction.cut(self.peer, f"has left: {session.farewell}")

    def _acknowledge(self) -> None:
        self._acks = None
        if self._connection is not None and self.session.phase is Phase.UP and self.session.owes_ack:
            self._connection.write(self.session.ack())

    def leave(self, farewell: str) -> int:
        """Say goodbye, after all that was sent; nobody waits for this link any more.

        How many casts waited, and were never sent.
        """
        if self.over:
            return 0
        self.over = True
        connection, phase = self._connection, self.session.phase
        if connection is not None and phase is Phase.UP:
            connection.write_out(self.session)
            connection.say_bye(self.session.bye(farewell))
        elif phase is Phase.DOWN:
            self.session.bye(farewell)
        if self._acks is not None:
            self._acks.cancel()
        self.blocked = False
        return self._waiting.end()

    # -------------------------------------------------- the passing of time

    def beat(self, now: float) -> None:
        """Give a sign of life; name a peer that gives none."""
        if self._connection is not None and self.session.phase is Phase.UP:
            self._connection.write(self.session.ack())
        if not self.linked:
            return
        silent = now - self._heard > SILENCE
        if silent and not self._silent:
            logger.warning("%s: %s has been silent for %.0f s", self._junction.me, self.peer, now - self._heard)
        if self._silent and not silent:
            logger.warning("%s: %s can be heard again", self._junction.me, self.peer)
        self._silent = silent

    def doubtful(self, now: float) -> bool:
        """There is a connection, and nothing comes over it."""
        return self._connection is not None and now - self._heard > DOUBT

    def overdue(self, now: float) -> bool:
        """Senders wait, and the peer has taken nothing for the link limit."""
        stuck = self._stuck
        if stuck is None:
            return False
        session, drained = self.session, self._drained()
        waited, self._waited = self._waited, self.waiting > 0
        if session.acked != stuck.acked or drained > stuck.drained:
            self._stuck = _Stuck(session.acked, drained, now) if session.full else None
            return False
        return waited and now - stuck.since > self._junction.link_limit

    def _drained(self) -> int:
        """Bytes that left on this connection; a large message takes long before it can be acknowledged."""
        return 0 if self._connection is None else self._connection.drained

    def missing(self, now: float, limit: float | None) -> bool:
        """It was there once, and no connection has come back in time."""
        return limit is not None and self._lost_at is not None and now - self._lost_at > limit

    def excuse(self, seconds: float) -> None:
        """This process did nothing for so long: what the peer did meanwhile is not known yet."""
        now = self._loop.time()
        self._heard = min(now, self._heard + seconds)
        if self._lost_at is not None:
            self._lost_at = min(now, self._lost_at + seconds)
        if self._stuck is not None:
            self._stuck = self._stuck._replace(since=min(now, self._stuck.since + seconds))
