"""A link over TCP: a session, whichever connection carries it, and the senders that wait for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from distbench.community import PeerId
from distbench.network.frames import Message
from distbench.network.sendqueue import SendQueue
from distbench.network.session import Phase, Session

if TYPE_CHECKING:
    from distbench.network.connection import Connection
    from distbench.network.party import Agreed
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

    Its ``queue`` says who waits. Replies never do: they come on top, and a peer that lets them pile up is cut off.
    """

    __slots__ = (
        "_acks", "_connection", "_flushing", "_heard", "_junction", "_loop", "_lost_at", "_silent", "_stuck",
        "_waited", "incarnation", "linked", "over", "peer", "queue", "trouble",
    )  # fmt: skip

    def __init__(self, junction: Junction, peer: PeerId) -> None:
        self.peer = peer
        self.queue = SendQueue(junction.loop.create_future)
        self.incarnation: int | None = None
        self.linked = False
        self.over = False
        self.trouble = ""
        """Why there is no connection, as far as known."""
        self._junction = junction
        self._loop = junction.loop
        self._connection: Connection | None = None
        self._flushing = False
        self._acks: asyncio.TimerHandle | None = None
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
    def session(self) -> Session:
        """What numbers the messages, and keeps them until the peer has them."""
        return self.queue.session

    # -------------------------------------------------- sending

    def send(self, handler: int, call: int, payload: bytes, value: Any = None) -> asyncio.Future[None] | None:
        """Number a message and write it at the end of this turn; what to await while the link is full."""
        queue = self.queue
        session = queue.session
        if handler >= 0 and (session.full or queue.blocked):  # nothing is held here, so ``queue.full`` says no more
            return self._wait((handler, call, payload))
        if session.send(handler, call, payload):
            self.flush()
            if handler < 0:
                self._check_overrun()
        elif not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)
        return None

    def _check_overrun(self) -> None:
        if self.session.overrun:
            self._junction.cut(self.peer, "was cut off: it asked and did not take the answers")

    def _wait(self, message: Message) -> asyncio.Future[None]:
        room = self.queue.wait(message)
        self._waited = True
        if self._stuck is None:
            self._stuck = _Stuck(self.session.acked, self._drained(), self._loop.time())
            self._junction.watch()
        return room

    def _admit(self) -> None:
        """Take what waits, in its order, while there is room."""
        while (message := self.queue.admit()) is not None:
            self._take(message)
        self.flush()

    def _take(self, message: Message) -> None:
        self.session.send(*message)

    def flush(self) -> None:
        """Write what waits, if there is a connection."""
        self._flushing = False
        connection = self._connection
        if connection is not None:
            connection.write_out(self.session)

    # -------------------------------------------------- connections come and go

    def received_from(self, incarnation: int) -> int | None:
        """Number of the last message of this incarnation of the peer; None where it is over, or a later one is known.

        This and ``acked_by`` change nothing: who makes this side look may not have proven who it is.
        """
        if self.over or (self.incarnation is not None and incarnation < self.incarnation):
            return None
        return self.session.received if incarnation == self.incarnation else 0

    def acked_by(self, incarnation: int) -> int:
        """Number of the last message that this incarnation of the peer has acknowledged."""
        return self.session.acked if incarnation == self.incarnation else 0

    def attach(self, connection: Connection, agreed: Agreed) -> None:
        """A handshake is done: carry on over this connection, and read the one before no more.

        Raises WireError, and changes nothing, for a number that cannot be.
        """
        restarted = self.incarnation not in (None, agreed.incarnation)
        session = Session() if restarted else self.session  # who has restarted knows nothing of the old session
        session.on_connected(agreed.received, agreed.least)
        self.queue.session = session
        self.incarnation = agreed.incarnation
        before, self._connection = self._connection, connection
        if before is not None:
            before.abort()
        if self._stuck is not None:
            self._stuck = self._stuck._replace(drained=0)  # each connection counts for itself
        self._heard = self._loop.time()
        self._lost_at = None
        self.trouble = ""
        if self.queue.blocked:
            self._admit()
        else:
            self.flush()

    def note(self, trouble: str) -> None:
        """Why it could not be connected. Where there is a connection, an attempt at another one says nothing of it."""
        if self._connection is None:
            self.trouble = trouble

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
        if self.queue.blocked and not self.queue.full:
            self._admit()
        if session.phase is Phase.CLOSED:
            self._junction.cut(self.peer, f"has left: {session.farewell}")

    def _acknowledge(self) -> None:
        self._acks = None
        if self._connection is not None and self.session.phase is Phase.UP and self.session.owes_ack:
            self._connection.write(self.session.ack())

    def leave(self, farewell: str) -> int:
        """Say goodbye, after all that was sent; nobody waits for this link any more.

        How many casts were held or waited, and were never sent.
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
        return self.queue.end()

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
        waited, self._waited = self._waited, self.queue.waiting > 0
        nothing_to_take = session.acked == session.sent  # that messages are held is no fault of the peer
        if session.acked != stuck.acked or drained > stuck.drained or nothing_to_take:
            self._stuck = _Stuck(session.acked, drained, now) if self.queue.full else None
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
