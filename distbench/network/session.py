"""What makes a link reliable while its connections come and go.

A session belongs to a pair of node incarnations. It numbers what it sends, keeps it until the peer has acknowledged it,
and sends the rest again over the next connection; what arrives twice is dropped. One side of it:

    phase    signal        next     what happens
    DOWN     CONNECTED     UP       what the peer does not have yet is queued again
    DOWN     SAID_BYE      CLOSED   nobody hears it; what was kept for the peer is dropped
    UP       CONNECTED     UP       a newer connection takes over: likewise
    UP       DISCONNECTED  DOWN     what was written may be lost
    UP       SAID_BYE      LEAVING  nothing is sent any more, and nothing taken
    UP       HEARD_BYE     CLOSED   the peer has ended the session; what was kept for it is dropped
    LEAVING  HEARD_BYE     CLOSED
    LEAVING  DISCONNECTED  CLOSED
    CLOSED   DISCONNECTED  CLOSED

How a connection drives it: hand each frame of the FrameReader to ``receive`` and deliver what it returns; when ``send``
returns True, and once at the end of a turn of the loop, write ``take_output()`` until it is empty or the transport's
buffer is full; when ``owes_ack`` is still set after some idle time, and every few seconds as a sign of life, write
``ack()``. A sender of casts and requests waits while ``full`` is set; look at it again after ``receive``. Replies do
not wait, since a reply that waits behind a request could starve both sides; they count all the same, and a peer that
lets them pile up until ``overrun`` is to be cut off. After a bye, what ``send`` is given goes nowhere.

A WireError leaves the session as it was: the connection is to be closed, and the next one carries on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final

from distbench.errors import InternalError, MessageError, WireError
from distbench.network.frames import (
    BATCH_MESSAGES,
    Ack,
    Batch,
    Bye,
    Frame,
    Message,
    Single,
    encode_ack,
    encode_batch,
    encode_bye,
    encode_single,
)
from distbench.node.port import MAX_PAYLOAD

RESEND_WEIGHT: Final = 4 * 2**20
"""A session is full when what it keeps for the peer weighs this much, and free again at half of it."""
MESSAGE_WEIGHT: Final = 128
"""What a message weighs beside its payload's bytes, about what it costs in memory; so it bounds their number too."""
BATCH_WEIGHT: Final = BATCH_MESSAGES * MESSAGE_WEIGHT
"""Messages that weigh this much together make a frame; a payload of this size makes one alone."""
OVERRUN_WEIGHT: Final = 2**30
"""Beyond this, replies included, the peer asks and does not take the answers."""
OUTPUT_BYTES: Final = 256 * 1024
"""``take_output`` stops after the frame that reaches this."""
ACK_MESSAGES: Final = 1024
"""An ack is due after this many messages, a small part of what makes the peer's session full."""
ACK_FRAMES: Final = 16
"""An ack is due after this many frames, a quarter of RESEND_WEIGHT; after each Single."""


class Phase(Enum):
    """Where a session stands."""

    DOWN = "down"
    UP = "up"
    LEAVING = "leaving"
    CLOSED = "closed"


class Signal(Enum):
    """What may happen to a session as a whole."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    SAID_BYE = "said bye"
    HEARD_BYE = "heard bye"


NEXT: Final = {
    (Phase.DOWN, Signal.CONNECTED): Phase.UP,
    (Phase.DOWN, Signal.SAID_BYE): Phase.CLOSED,
    (Phase.UP, Signal.CONNECTED): Phase.UP,
    (Phase.UP, Signal.DISCONNECTED): Phase.DOWN,
    (Phase.UP, Signal.SAID_BYE): Phase.LEAVING,
    (Phase.UP, Signal.HEARD_BYE): Phase.CLOSED,
    (Phase.LEAVING, Signal.HEARD_BYE): Phase.CLOSED,
    (Phase.LEAVING, Signal.DISCONNECTED): Phase.CLOSED,
    (Phase.CLOSED, Signal.DISCONNECTED): Phase.CLOSED,
}
_UP: Final = Phase.UP  # a name of its own, for it is looked up with every frame
_OVER: Final = (Phase.LEAVING, Phase.CLOSED)


_Sealed = tuple[int, int, bytes]
"""A frame, encoded once and written as often as it takes: number of its last message, weight, bytes."""


def check_size(payload: bytes) -> None:
    """Raises MessageError for a payload that no link carries."""
    if len(payload) > MAX_PAYLOAD:
        raise MessageError(f"a message of {len(payload):,} bytes: a link carries at most {MAX_PAYLOAD:,} bytes")


class Session:
    """One side of a reliable FIFO link between two node incarnations.

    Where every sender looks at ``full`` before each message, what is kept for the peer weighs at most ``limit``, one
    batch and one message; replies come on top.
    """

    __slots__ = (
        "_limit",
        "_pending",
        "_pending_weight",
        "_phase",
        "_queue",
        "_sealed",
        "_told",
        "_unacked",
        "_untold_frames",
        "_weight",
        "_written",
        "ack_due",
        "acked",
        "farewell",
        "full",
        "received",
    )

    def __init__(self, limit: int = RESEND_WEIGHT) -> None:
        self._limit = limit
        self._phase = Phase.DOWN
        self._pending: list[Message] = []  # not in a frame yet
        self._pending_weight = 0
        self._queue: deque[_Sealed] = deque()  # not written on this connection
        self._unacked: deque[_Sealed] = deque()  # written on this connection; all before what is in _queue
        self._weight = 0  # of both
        self._sealed = 0  # number of the last message in a frame
        self._written = 0  # number of the last message written on any connection
        self._told = 0  # the peer was told on this connection that this much was received
        self._untold_frames = 0
        self.received = 0
        """Number of the last message that arrived."""
        self.acked = 0
        """Number of the last message that the peer says it has."""
        self.full = False
        """Casts and requests must wait."""
        self.ack_due = False
        """``take_output`` has an ack to write, even without messages."""
        self.farewell = ""
        """Why the peer ended the session."""

    @property
    def phase(self) -> Phase:
        """DOWN before the first connection."""
        return self._phase

    @property
    def sent(self) -> int:
        """Number of the last message given to ``send``."""
        return self._sealed + len(self._pending)

    @property
    def weight(self) -> int:
        """Of all that is kept for the peer: payload bytes, and MESSAGE_WEIGHT for each message."""
        return self._weight + self._pending_weight

    @property
    def overrun(self) -> bool:
        """The peer has let replies pile up beyond all measure."""
        return self.weight > OVERRUN_WEIGHT

    @property
    def owes_ack(self) -> bool:
        """The peer does not know of everything that was received."""
        return self._told != self.received

    def send(self, handler: int, call: int, payload: bytes) -> bool:
        """Take a message; True says that enough waits to be worth a write before the turn's end.

        Raises MessageError for a payload over MAX_PAYLOAD, and does not take it.
        """
        self._pending.append((handler, call, payload))
        self._pending_weight += len(payload) + MESSAGE_WEIGHT
        if self._pending_weight < BATCH_WEIGHT:
            return False
        if len(payload) < BATCH_WEIGHT:
            self._seal()
        else:
            self._seal_alone()
        return True

    def take_output(self) -> bytes:
        """What is to be written now, oldest first: at most OUTPUT_BYTES and one frame; nothing while not UP."""
        if self._phase is not _UP:
            return b""
        if self._pending:
            self._seal()
        if not self._queue:
            return self.ack() if self.ack_due else b""
        parts = [self.ack()] if self.ack_due else []
        size = 0
        while self._queue and size < OUTPUT_BYTES:
            frame = self._queue.popleft()
            self._unacked.append(frame)
            last, _, data = frame
            if last > self._written:
                self._written = last
            parts.append(data)
            size += len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def ack(self) -> bytes:
        """An ack of everything received, due or not."""
        self._tell()
        return encode_ack(self.received)

    def receive(self, frame: Frame) -> Sequence[Message]:
        """The new messages in ``frame``, in order.

        Raises WireError, and changes nothing, where the peer acknowledges what was never written, skips a number, or
        sends a frame while there is no connection or after its bye.
        """
        if self._phase is not _UP:
            return self._receive_late(frame)
        # By the exact type first: an isinstance that fails is slow.
        if not isinstance(frame, Batch) and not isinstance(frame, Single):
            self._receive_control(frame)
            return ()
        messages: Sequence[Message] = frame.messages
        count = len(messages)
        new = frame.first - 1 + count - self.received
        if new > count:
            raise WireError(f"message {frame.first} arrived after message {self.received}")
        if frame.ack > self.acked:
            self._acknowledge(frame.ack)
        if new <= 0:
            return ()
        self.received += new
        self._untold_frames += 1
        if (
            self._untold_frames >= ACK_FRAMES
            or self.received - self._told >= ACK_MESSAGES
            or not isinstance(frame, Batch)
        ):
            self.ack_due = True
        # Sent again after a reconnection: an honest peer repeats whole frames; half of one does no harm.
        return messages if new == count else messages[count - new :]

    def bye(self, reason: str) -> bytes:
        """The last bytes to write, after all of ``take_output()``; while DOWN there is nobody to write them to.

        The connection is to be read until the peer closes it: closing it with bytes unread could destroy these.
        """
        self._advance(Signal.SAID_BYE)
        self._drop_all()
        return encode_bye(reason)

    def on_connected(self, peer_received: int, least: int | None = None) -> None:
        """A handshake has told that the peer received the messages up to ``peer_received``.

        Raises WireError, and changes nothing, if it was never sent that much, or had acknowledged more when it was
        asked: ``least``, where it may have acknowledged more since, over the connection before. While UP the new
        connection takes over, and the old one must not be read any more.
        """
        least = self.acked if least is None else least
        if not least <= peer_received <= self._written:
            raise WireError(
                f"the peer says that it received {peer_received} messages; "
                f"it had acknowledged {least}, and {self._written} were written"
            )
        self._advance(Signal.CONNECTED)
        self._requeue()
        self._acknowledge(peer_received)
        self._told = 0  # what was told before may be lost

    def on_disconnected(self) -> None:
        """The connection is gone; what was written on it and not acknowledged is kept to be written again."""
        self._advance(Signal.DISCONNECTED)
        self._requeue()
        if self._phase is Phase.CLOSED:
            self._drop_all()

    def _requeue(self) -> None:
        self._queue.extendleft(reversed(self._unacked))
        self._unacked.clear()

    def _receive_late(self, frame: Frame) -> Sequence[Message]:
        if self._phase is not Phase.LEAVING:
            raise WireError(f"a frame arrived while the session is {self._phase.value}")
        if isinstance(frame, Bye):
            self._hear_bye(frame)
        return ()

    def _receive_control(self, frame: Ack | Bye) -> None:
        if isinstance(frame, Ack):
            self._acknowledge(frame.ack)
        else:
            self._hear_bye(frame)

    def _hear_bye(self, frame: Bye) -> None:
        self._advance(Signal.HEARD_BYE)
        self.farewell = frame.reason
        self._drop_all()

    def _advance(self, signal: Signal) -> None:
        try:
            self._phase = NEXT[self._phase, signal]
        except KeyError:
            raise InternalError(f"a session that is {self._phase.value} cannot be {signal.value}") from None

    def _seal(self) -> None:
        """Make the pending messages a frame."""
        pending = self._pending
        first = self._sealed + 1
        self._enqueue(len(pending), self._pending_weight, encode_batch(first, self.received, pending))
        pending.clear()
        self._pending_weight = 0

    def _seal_alone(self) -> None:
        """Make the last pending message a frame of its own, after those before it."""
        message = self._pending.pop()
        weight = len(message[2]) + MESSAGE_WEIGHT
        self._pending_weight -= weight
        check_size(message[2])
        if self._pending:
            self._seal()
        self._enqueue(1, weight, encode_single(self._sealed + 1, self.received, message))

    def _enqueue(self, count: int, weight: int, data: bytes) -> None:
        self._sealed += count
        if self._phase in _OVER:
            return
        self._queue.append((self._sealed, weight, data))
        self._tell()  # the frame carries an ack
        self._weight += weight
        if self._weight >= self._limit:
            self.full = True

    def _tell(self) -> None:
        self._told = self.received
        self._untold_frames = 0
        self.ack_due = False

    def _acknowledge(self, ack: int) -> None:
        """Let go what the peer has. A frame sent again carries an old number, which says nothing new."""
        if ack <= self.acked:
            return
        if ack > self._written:
            raise WireError(f"the peer acknowledges message {ack}; only {self._written} were written")
        self.acked = ack
        for frames in (self._unacked, self._queue):
            while frames and frames[0][0] <= ack:
                self._weight -= frames.popleft()[1]
        if self.full and self.weight <= self._limit // 2:
            self.full = False

    def _drop_all(self) -> None:
        """Keep nothing for a session that is over, and let nobody wait for it."""
        self._sealed += len(self._pending)
        self._pending.clear()
        self._queue.clear()
        self._unacked.clear()
        self._pending_weight = self._weight = 0
        self.full = False
