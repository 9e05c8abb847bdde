"""One TCP connection: moves bytes between a socket and the pure classes that understand them."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Final, cast

from distbench.community import PeerId
from distbench.errors import WireError
from distbench.network.framing import FrameReader
from distbench.network.handshake import Handshake, Initiator, Responder, encode_refusal
from distbench.network.link import TcpLink
from distbench.network.party import HandshakeRefused
from distbench.network.session import OUTPUT_BYTES, Session

if TYPE_CHECKING:
    from distbench.network.tcp import Junction

HANDSHAKE_LIMIT: Final = 5.0
"""Seconds that a handshake may take; a connection that says nothing is closed then."""
CLOSE_LIMIT: Final = 1.0
"""Seconds that the peer has to read a goodbye and to close as well."""


class Connection(asyncio.Protocol):
    """First a handshake, then a session's frames.

    The transport holds at most OUTPUT_BYTES and one ``take_output`` of the session; the rest stays in the session.
    """

    def __init__(self, junction: Junction, peer: PeerId | None, *, patient: bool = False) -> None:
        """``peer``: whom this side dials; None where it was dialled. ``patient``: the handshake may take any time."""
        self._junction = junction
        self._patient = patient
        self._dialled = peer
        self._handshake: Handshake | None = None
        self._link: TcpLink | None = None
        self._reader = FrameReader()
        self._paused = False
        self._written = 0
        self._limit: asyncio.TimerHandle | None = None
        self._made = False
        self._transport: asyncio.Transport
        self.proven = False
        """The handshake went well."""
        self.decided: asyncio.Future[None] = junction.loop.create_future()
        """The handshake is over, well or not."""
        self.lost: asyncio.Future[None] = junction.loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own transports are no subclass
        self._transport.set_write_buffer_limits(high=OUTPUT_BYTES)
        self._made = True
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        junction = self._junction
        if not junction.admit(self, dialled=self._dialled is None):
            self._transport.abort()
            return
        nonce = os.urandom(32)
        party = junction.party()
        self._handshake = Responder(party, nonce) if self._dialled is None else Initiator(party, nonce, self._dialled)
        if not self._patient:
            self._limit = junction.loop.call_later(HANDSHAKE_LIMIT, self._too_slow)
        first = self._handshake.first()
        if first:
            self._transport.write(first)

    # -------------------------------------------------- reading

    def data_received(self, data: bytes) -> None:
        link = self._link
        try:
            if link is not None:
                self._frames(link, data)
            elif self._handshake is not None:
                self._shake(self._handshake, data)
        except WireError as error:
            self._break(error)

    def _shake(self, handshake: Handshake, data: bytes) -> None:
        answer = handshake.receive(data)
        if answer:
            self._transport.write(answer)
        if handshake.done:
            self._end_handshake()
            self._link = self._junction.agreed(self, handshake.result)
            self.proven = True
            rest = handshake.rest
            if rest:
                self._frames(self._link, rest)

    def _frames(self, link: TcpLink, data: bytes) -> None:
        session, peer, deliver = link.session, link.peer, self._junction.owner.on_message
        for frame in self._reader.feed(data):
            for handler, call, payload in session.receive(frame):
                try:
                    deliver(peer, handler, call, payload)
                except WireError:
                    raise
                except BaseException as error:  # noqa: BLE001 - the messages behind it are not to be lost for it
                    self._junction.failed(peer, error)
            if self._link is None:  # a handler had it aborted
                return
        link.received()

    def _break(self, error: WireError) -> None:
        """The bytes were not as they must be: this connection ends, and nothing else."""
        link = self._link
        self._junction.refuse(self._dialled if link is None else link.peer, error)
        if link is None:
            self.end(error.answer if isinstance(error, HandshakeRefused) else b"")
        else:
            self._link = None
            link.detach(self)
            self._transport.abort()
            link.received()  # what came before them holds

    def eof_received(self) -> None:
        """The peer writes no more; a link that was not left goes on over another connection."""
        link = self._link
        if link is not None and not link.over:
            self._link = None
            link.detach(self)
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self._handshake is not None and self._dialled is None:
            self._junction.count("handshake broken off")
        self._end_handshake()
        self._junction.lost(self)
        link, self._link = self._link, None
        if link is not None:
            link.detach(self)
        if not self.lost.done():
            self.lost.set_result(None)

    # -------------------------------------------------- the end of a handshake

    def _end_handshake(self) -> None:
        self._handshake = None
        if self._limit is not None:
            self._limit.cancel()
        if not self.decided.done():
            self.decided.set_result(None)
        self._junction.finished(self)

    def _too_slow(self) -> None:
        self._junction.count("handshake not finished in time")
        self.end(encode_refusal(f"the handshake took longer than {HANDSHAKE_LIMIT:g} s"))

    def end(self, refusal: bytes) -> None:
        """Give up the handshake and close, after ``refusal``."""
        self._end_handshake()
        if refusal:
            self._transport.write(refusal)
        self._transport.close()

    # -------------------------------------------------- writing

    @property
    def drained(self) -> int:
        """Bytes of messages that the system has taken; it goes on taking some only where the peer does."""
        return self._written - self.buffered

    @property
    def buffered(self) -> int:
        """Bytes that the system has not taken yet."""
        return self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """An ack, or a sign of life; such do not count as ``drained``."""
        self._transport.write(data)

    def write_out(self, session: Session) -> None:
        """Write what waits, as far as the transport takes it without piling up."""
        while not self._paused:
            data = session.take_output()
            if data:
                self._written += len(data)
                self._transport.write(data)
            if len(data) < OUTPUT_BYTES:  # that was all
                return

    def say_bye(self, farewell: bytes) -> None:
        """The last bytes. What the peer has sent meanwhile is read until it closes as well, for bytes that nobody
        reads would make the system throw these away."""
        self._transport.write(farewell)
        self._transport.write_eof()
        self._limit = self._junction.later(CLOSE_LIMIT, self._transport.abort)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._link is not None:
            self.write_out(self._link.session)

    def abort(self) -> None:
        """Close at once; what arrives from now on is not read."""
        self._link = None
        self._end_handshake()
        if self._made:
            self._transport.abort()
