"""The frames of a connection once the handshake is done.

A frame is a header of five bytes (body length as an unsigned 32-bit number, then the kind) and a body, which is one
msgpack array of small integers and byte strings. Many messages that wait for the same link share one frame: with one
envelope for a batch instead of one each, a small message costs a fifth of what a header of its own would.

    kind  frame   body                                           at most
    1     Batch   [first, ack, [[handler, call, payload], ...]]  BATCH_LIMIT bytes, BATCH_MESSAGES messages
    2     Single  [first, ack, [[handler, call, payload]]]       SINGLE_LIMIT bytes: one payload of MAX_PAYLOAD
    3     Ack     [ack]                                          ACK_LIMIT bytes
    4     Bye     [reason]                                       BYE_LIMIT bytes

``first`` is the number of the frame's first message; the messages of one direction of a session are numbered
1, 2, 3, … ``ack`` says that all messages up to this number arrived; in a frame that is sent again it may be an old one.
``handler`` is the handler's number in the definition, or a word of ``node/port``; ``call`` is the call to which a
request or reply belongs, 0 for a cast. A payload is opaque here.

The kind stands in the header because it bounds the length: what is too long is refused before any of it is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from distbench.node.port import FINISHED, MAX_PAYLOAD

BATCH_MESSAGES: Final = 512
"""Most messages in one batch."""
BATCH_LIMIT: Final = 130 * 1024
"""Bytes of the largest batch: the session closes one at 64 KiB, and its last payload is shorter than that."""
SINGLE_LIMIT: Final = MAX_PAYLOAD + 64
ACK_LIMIT: Final = 16
BYE_LIMIT: Final = 1024

HEADER: Final = struct.Struct(">IB")

# One more would not fit the 64-bit numbers of msgpack; no session lives long enough to see it.
_Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Handler = Annotated[int, Meta(ge=FINISHED, le=2**31 - 1)]
_Reason = Annotated[str, Meta(max_length=200)]

Message = tuple[_Handler, _Number, bytes]
"""Handler, call, payload."""


class Batch(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """The messages from number ``first`` on."""

    first: Annotated[int, Meta(ge=1, le=2**62)]
    ack: _Number
    messages: Annotated[list[Message], Meta(min_length=1, max_length=BATCH_MESSAGES)]


class Single(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """One message, too large to share a frame."""

    first: Annotated[int, Meta(ge=1, le=2**62)]
    ack: _Number
    messages: tuple[Message]


class Ack(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """All messages up to ``ack`` arrived; also sent now and then as a sign of life."""

    ack: _Number


class Bye(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """The session is over: the sender of this sends no more and will not connect again."""

    reason: _Reason


Frame = Batch | Single | Ack | Bye

_KINDS: Final[dict[int, tuple[type[Frame], int]]] = {
    1: (Batch, BATCH_LIMIT),
    2: (Single, SINGLE_LIMIT),
    3: (Ack, ACK_LIMIT),
    4: (Bye, BYE_LIMIT),
}
DECODERS: Final[dict[int, tuple[int, Callable[[bytes | bytearray | memoryview], Frame]]]] = {
    kind: (limit, msgspec.msgpack.Decoder(frame).decode) for kind, (frame, limit) in _KINDS.items()
}
"""By kind: the largest body, and what reads it."""

_encode: Final = msgspec.msgpack.Encoder().encode


def encode_batch(first: int, ack: int, messages: Sequence[Message]) -> bytes:
    """A Batch frame, header and all."""
    body = _encode((first, ack, messages))
    return HEADER.pack(len(body), 1) + body


def encode_single(first: int, ack: int, message: Message) -> bytes:
    """A Single frame, header and all."""
    body = _encode((first, ack, (message,)))
    return HEADER.pack(len(body), 2) + body


def encode_ack(ack: int) -> bytes:
    """An Ack frame, header and all."""
    body = _encode((ack,))
    return HEADER.pack(len(body), 3) + body


def encode_bye(reason: str) -> bytes:
    """A Bye frame, header and all; a long reason is cut."""
    body = _encode((reason[:200].encode(errors="replace").decode(),))
    return HEADER.pack(len(body), 4) + body
