"""One participant's end of all its links: listens, dials, dials again when a connection breaks, keeps the time.

The node that stands first in the order of the config dials, so each pair has one connection.

Strangers can connect, too. What they can cost is bounded: at most UNFINISHED_LIMIT handshakes of others are under way,
each for HANDSHAKE_LIMIT seconds and with a few KiB. One more ends the oldest of them, so connections that are merely
held open keep nobody out: an honest node gets in unless UNFINISHED_LIMIT others come while it shakes hands, and then it
dials again. Whatever is refused is counted by cause; only the first texts of each cause are shown.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from distbench.community import PeerId
from distbench.errors import WireError
from distbench.network.addresses import Address, show_address
from distbench.network.connection import CLOSE_LIMIT, HANDSHAKE_LIMIT, Connection
from distbench.network.delay import Delay, DelayedLink
from distbench.network.handshake import encode_refusal
from distbench.network.link import TcpLink
from distbench.network.party import Agreed, Cause, HandshakeRefused, Party, Terms
from distbench.network.resolving import Resolver
from distbench.signing import KeyPair, verify

__all__ = ["GONE_AFTER", "LINK_LIMIT", "UNFINISHED_LIMIT", "Address", "Junction", "Owner", "TcpLink"]

UNFINISHED_LIMIT: Final = 128
"""Handshakes of others under way at once; one more ends the oldest."""
LINK_LIMIT: Final = 10.0
"""Seconds after which a peer that takes nothing, while a cast waits for it, is cut off."""
GONE_AFTER: Final = 5.0
"""Seconds without a connection after which a peer counts as gone, where nobody else notices a death."""
MOST_SHOWN: Final = 3
"""Texts of one cause of refusals that the owner is told; the others are only counted."""
_HEARTBEAT: Final = 2.5
_LATE: Final = 0.1
"""A heartbeat that is late by this many seconds: this process was stopped, or busy."""
_REDIAL: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_TAKES_OVER: Final = 1.0
"""Seconds that a second connection may take to replace the first, when it has ended that."""
_PATIENCE: Final = 30.0
"""Seconds that a silent peer is given for a second handshake, before another is tried."""
_LASTED: Final = 1.0
"""Seconds after which a connection was a good one, even if nothing was sent."""


class Owner(Protocol):
    """Whose junction it is: takes what arrives, and hears how the links fare."""

    def on_message(self, peer: PeerId, handler: int, call: int, payload: bytes) -> None: ...
    def on_linked(self, peer: PeerId, key: bytes, run: bytes) -> None:
        """The first handshake with ``peer`` is done."""

    def on_gone(self, peer: PeerId, reason: str, unsent: int) -> None:
        """``peer`` is gone for the rest of the run; ``unsent`` casts waited for room on its link."""

    def on_refused(self, peer: PeerId | None, reason: str) -> None:
        """A connection was refused or closed for its bytes; ``peer`` where it is known or was dialled."""


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
        delays: Callable[[PeerId], Delay | None] = lambda peer: None,
    ) -> None:
        """``gone_after`` None: another one says when a peer is gone. ``delays``: how long what a peer gets is held."""
        self.me = me
        self.terms = terms
        self.owner = owner
        self.roster: dict[PeerId, bytes | None] = {}
        """Who may connect: the key of each, or None where the first that proves itself is to stand."""
        self.early = False
        """The roster is not complete yet: who is not in it is asked to try again, and not counted."""
        self.refused: Counter[str] = Counter()
        """Handshakes refused or not finished, and connections closed for their bytes, by cause."""
        self.link_limit = link_limit
        self.gone_after = gone_after
        self.loop = asyncio.get_running_loop()
        self._resolver = Resolver()
        self.closing = False
        self._keys = keys
        self._incarnation = incarnation
        self._delays = delays
        self._links: dict[PeerId, TcpLink] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._unfinished: dict[Connection, None] = {}  # the dialled ones, the oldest first
        self._dialling: list[asyncio.Task[None]] = []
        self._addresses: dict[PeerId, Address] = {}  # of those that are dialled
        self._found_at: dict[PeerId, str] = {}  # which of its addresses a peer was at last
        self._others: dict[PeerId, asyncio.Task[None]] = {}  # second connections to those that are silent
        self._shown: dict[str, set[tuple[PeerId | None, str]]] = {}
        self._heart: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.context = contextvars.copy_context()
        """For timers: senders run in their handler's, where one would count as the algorithm's own."""

    # -------------------------------------------------- opening and closing

    async def listen(self, sock: socket.socket) -> None:
        """Take connections on a socket that is bound already."""
        self._server = await self.loop.create_server(lambda: Connection(self, None), sock=sock, backlog=1024)

    def dial(self, peer: PeerId, address: Address) -> None:
        """Connect to ``peer``, and again whenever the connection breaks, or where it is doubtful."""
        self._addresses[peer] = address
        work = self._dial(self.link(peer), address)
        self._dialling.append(self.loop.create_task(work, name=f"dial {peer}", context=self.context.copy()))
        self.beat()

    async def _dial(self, link: TcpLink, address: Address) -> None:
        attempt = 0
        while not self.closing and not link.over:
            before, began = (link.session.received, link.session.acked), self.loop.time()
            await self._connect(link, address)
            await self._replaced(link)
            moved = (link.session.received, link.session.acked) != before
            attempt = 0 if moved or self.loop.time() - began > _LASTED else attempt + 1
            if attempt:
                await asyncio.sleep(_REDIAL[min(attempt, len(_REDIAL)) - 1])

    def _dial_another(self, link: TcpLink) -> None:
        """The peer is silent. It may only be busy, so that its connection stays until another one is made.

        It may also have a new address, or this side may: then nothing comes on the old connection, not even an error.
        """
        peer = link.peer
        if peer in self._others or peer not in self._addresses:
            return

        async def connect() -> None:
            try:
                await self._connect(link, self._addresses[peer], patient=True)
            finally:
                del self._others[peer]

        self._others[peer] = self.loop.create_task(connect(), name=f"dial {peer} again", context=self.context.copy())

    async def _replaced(self, link: TcpLink) -> None:
        """Wait for the end of connections that took the place of an earlier one, or may still do so."""
        while True:
            if (other := self._others.get(link.peer)) is not None:
                await asyncio.wait([other], timeout=_TAKES_OVER)
                other.cancel()  # now that the old one is gone, there is no reason to be patient
                await asyncio.wait([other])
            elif (current := link.connection) is not None:
                await asyncio.wait([current.lost])
            else:
                return

    async def _connect(self, link: TcpLink, address: Address, *, patient: bool = False) -> None:
        """One connection to its end; a ``patient`` one until it is known whether it will be one.

        Where a name has several addresses, each is tried until the peer has proven who it is.
        """
        try:
            async with asyncio.timeout(HANDSHAKE_LIMIT):
                hosts = await self._resolver.resolve(address[0])
        except OSError as error:  # a TimeoutError is one as well
            link.note(f"{show_address(address)} {_explain(error)}")
            return
        hosts.sort(key=lambda host: host != self._found_at.get(link.peer))
        troubles: dict[str, str] = {}
        for host in hosts:
            connection = Connection(self, link.peer, patient=patient)
            try:
                trouble = await self._open(connection, (host, address[1]), HANDSHAKE_LIMIT / len(hosts))
                if trouble:
                    troubles[host] = trouble
                elif patient:
                    await asyncio.wait([connection.decided], timeout=_PATIENCE / len(hosts))
                else:
                    await asyncio.wait([connection.lost])
            finally:
                if not connection.proven:
                    connection.abort()
            if connection.proven:
                self._found_at[link.peer] = host
                return
        if len(troubles) == len(hosts):
            alike = len(set(troubles.values())) == 1
            why = troubles[hosts[0]] if alike else "; ".join(f"{host}: {trouble}" for host, trouble in troubles.items())
            link.note(f"{show_address(address)} {why}")

    async def _open(self, connection: Connection, address: Address, limit: float) -> str:
        """Why there is no connection; what comes of one is its own affair."""
        try:
            async with asyncio.timeout(limit):
                await self.loop.create_connection(lambda: connection, *address)
        except OSError as error:
            return f"no answer within {limit:g} s" if isinstance(error, TimeoutError) else _explain(error)
        return ""

    async def aclose(self, reason: str = "the run is over") -> None:
        """Say goodbye on every link and close it; wait until what was written has left."""
        self.closing = True
        if self._heart is not None:
            self._heart.cancel()
        if self._server is not None:
            self._server.close()
        dialling = (*self._dialling, *self._others.values())
        for task in dialling:
            task.cancel()
        for link in self._links.values():
            link.leave(reason)
        for connection in self._connections:
            if not connection.proven:
                connection.abort()
        await asyncio.gather(*dialling, return_exceptions=True)
        await self._all_lost()
        for connection in self._connections:
            connection.abort()
        await self._all_lost()

    async def _all_lost(self) -> None:
        if self._connections:
            await asyncio.wait([connection.lost for connection in self._connections], timeout=CLOSE_LIMIT)

    # -------------------------------------------------- links

    def link(self, peer: PeerId) -> TcpLink:
        """The link to ``peer``; there is one for each pair."""
        found = self._links.get(peer)
        if found is None:
            delay = self._delays(peer)
            found = self._links[peer] = TcpLink(self, peer) if delay is None else DelayedLink(self, peer, delay)
        return found

    @property
    def links(self) -> dict[PeerId, TcpLink]:
        """All links by peer."""
        return self._links

    def cut(self, peer: PeerId, reason: str) -> None:
        """Have nothing to do with ``peer`` any more, and say so to the owner."""
        link = self.link(peer)
        if not link.over:
            self.owner.on_gone(peer, reason, link.leave(reason))

    # -------------------------------------------------- what connections ask and report

    def party(self) -> Party:
        """This participant as it stands in a handshake that begins now."""
        return Party(
            node=self.me,
            keys=self._keys,
            incarnation=self._incarnation,
            terms=self.terms,
            roster=self.roster,
            verify=verify,
            received=lambda peer, incarnation: self.link(peer).received_from(incarnation),
            acked=lambda peer, incarnation: self.link(peer).acked_by(incarnation),
            early=self.early,
        )

    def admit(self, connection: Connection, *, dialled: bool) -> bool:
        """Whether a handshake may begin."""
        self._connections.add(connection)
        if self.closing:
            return False
        if dialled:
            if len(self._unfinished) >= UNFINISHED_LIMIT:
                self.count("too many unfinished handshakes")
                next(iter(self._unfinished)).end(encode_refusal("too many handshakes are under way; try again later"))
            self._unfinished[connection] = None
        return True

    def finished(self, connection: Connection) -> None:
        """A handshake is over, well or not."""
        self._unfinished.pop(connection, None)

    def agreed(self, connection: Connection, result: Agreed) -> TcpLink:
        """A peer has proven who it is. Raises WireError where it says what cannot be of their session."""
        link = self.link(result.peer)
        if link.received_from(result.incarnation) is None:
            text = "it counts as gone since hands were shaken, or has restarted"
            raise HandshakeRefused(Cause.STALE, text, b"")  # the other side is in session, and expects frames
        link.attach(connection, result)
        self.roster[result.peer] = result.key  # the first key that proves itself stands
        if not link.linked:
            link.linked = True
            self.owner.on_linked(result.peer, result.key, result.run)
        self.beat()
        return link

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def count(self, cause: str) -> None:
        """One more connection was refused or closed."""
        if not self.closing:
            self.refused[cause] += 1

    def failed(self, peer: PeerId, error: BaseException) -> None:
        """The owner failed over a message from ``peer``; that is no fault of the link."""
        self.loop.call_exception_handler({"message": f"a message from {peer} was not handled", "exception": error})

    def refuse(self, peer: PeerId | None, error: WireError) -> None:
        """A handshake or a frame was not as it must be."""
        cause = error.cause if isinstance(error, HandshakeRefused) else Cause.MALFORMED
        if peer is not None:
            self.link(peer).note(str(error))
        if cause is Cause.EARLY:
            return
        self.count(cause)
        shown = self._shown.setdefault(cause, set())
        if (peer, str(error)) in shown or len(shown) > MOST_SHOWN:
            return
        shown.add((peer, str(error)))
        last = len(shown) > MOST_SHOWN
        self.owner.on_refused(peer, f"{error} (more that are {cause} are only counted)" if last else str(error))

    # -------------------------------------------------- the passing of time

    def later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """A timer that is not the algorithm's, whoever runs."""
        return self.context.copy().run(self.loop.call_later, seconds, callback)

    def beat(self) -> None:
        """See to it that the heart beats."""
        if self._heart is None:
            self._beat_in(_HEARTBEAT)

    def watch(self) -> None:
        """A sender waits: look at the link limit more often."""
        soon = min(_HEARTBEAT, self.link_limit / 8)
        if self._heart is None or self._due > self.loop.time() + soon:
            self._beat_in(soon)

    def _beat_in(self, seconds: float) -> None:
        if self._heart is not None:
            self._heart.cancel()
        if not self.closing:
            self._due = self.loop.time() + seconds
            self._heart = self.later(seconds, self._beat)

    def _beat(self) -> None:
        self._heart = None
        now = self.loop.time()
        late = now - self._due
        for link in list(self._links.values()):
            if not link.over:
                if late > _LATE:
                    link.excuse(late)
                self._look_at(link, now)
        blocked = any(link.queue.blocked for link in self._links.values())
        self._beat_in(min(_HEARTBEAT, self.link_limit / 8) if blocked else _HEARTBEAT)

    def _look_at(self, link: TcpLink, now: float) -> None:
        link.beat(now)
        if self.gone_after is not None and link.doubtful(now):
            self._dial_another(link)
        if link.overdue(now):
            self.cut(link.peer, f"was cut off: it took nothing for {self.link_limit:g} s")
        elif link.missing(now, self.gone_after):
            self.cut(link.peer, f"is gone: no connection for {self.gone_after:g} s")


def _explain(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {HANDSHAKE_LIMIT:g} s"
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
