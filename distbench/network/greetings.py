"""The messages of a handshake as bytes; ``handshake`` says what they are for.

Each is a header (body length as an unsigned 32-bit number, then the kind; the kinds are not those of frames) and a
body: one msgpack array. A Hello's array stands behind MAGIC and two bytes of protocol version, so that any two versions
can tell each other that they differ. A body has one encoding; any other of the same values is malformed.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from distbench.errors import WireError
from distbench.network.frames import HEADER

PROTOCOL_VERSION: Final = 1
"""To be raised with any change to frames, sessions or handshakes."""
MAGIC: Final = b"distbench"
GREETING_LIMIT: Final = 4096
"""Bytes of the longest body."""
ID_LENGTH: Final = 255
"""Characters of the longest node id."""

_Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
_Nonce = Annotated[bytes, Meta(min_length=32, max_length=32)]
_Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
_Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
_Run = Annotated[bytes, Meta(max_length=64)]
_Id = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
_Number = Annotated[int, Meta(ge=0, le=2**62)]


class Greeting(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """A message of a handshake."""


class Hello(Greeting, frozen=True):
    """The initiator says who it is, whom it wants, and what it runs; ``run`` is empty if it does not know it yet."""

    run: _Run
    format: Annotated[str, Meta(max_length=32)]
    definition: _Digest
    config: _Digest
    src: _Id
    dst: _Id
    key: _Key
    incarnation: _Number
    nonce: _Nonce


class Challenge(Greeting, frozen=True):
    """The responder could be the right one."""

    run: _Run
    key: _Key
    incarnation: _Number
    nonce: _Nonce


class Proof(Greeting, frozen=True):
    """The initiator holds its key, and has received so much."""

    received: _Number
    signature: _Signature


class Welcome(Greeting, frozen=True):
    """The responder has accepted the initiator, holds its key, and has received so much."""

    received: _Number
    signature: _Signature


class Refusal(Greeting, frozen=True):
    """The sender does not go on, and why; from either side at any time, unproven."""

    reason: Annotated[str, Meta(max_length=1000)]


_KINDS: Final[dict[int, type[Greeting]]] = {17: Hello, 18: Challenge, 19: Proof, 20: Welcome, 21: Refusal}
_NUMBERS: Final = {greeting: kind for kind, greeting in _KINDS.items()}
_DECODERS: Final = {kind: msgspec.msgpack.Decoder(greeting) for kind, greeting in _KINDS.items()}
_HELLO: Final = _NUMBERS[Hello]
_encode: Final = msgspec.msgpack.Encoder().encode


class VersionDiffers(WireError):
    """A Hello of another protocol version; ``version`` is the peer's."""

    def __init__(self, version: int) -> None:
        super().__init__(f"protocol version {version}, here {PROTOCOL_VERSION}")
        self.version = version


def encode_greeting(greeting: Greeting) -> bytes:
    """``greeting`` with its header."""
    body = _body(greeting)
    return HEADER.pack(len(body), _NUMBERS[type(greeting)]) + body


def _body(greeting: Greeting) -> bytes:
    body = _encode(greeting)
    return MAGIC + PROTOCOL_VERSION.to_bytes(2) + body if isinstance(greeting, Hello) else body


def take_greeting(buffer: bytearray) -> Greeting | None:
    """Remove the first greeting from ``buffer``; None while it is not complete.

    Raises WireError for a kind or length that no greeting has, as soon as the header is there, and for a body that is
    malformed; VersionDiffers for a Hello of another version.
    """
    if len(buffer) < HEADER.size:
        return None
    length, kind = HEADER.unpack_from(buffer)
    if kind not in _KINDS or length > GREETING_LIMIT:
        raise WireError(f"the bytes are not a handshake of distbench: {bytes(buffer[:16])!r}…")
    end = HEADER.size + length
    if len(buffer) < end:
        return None
    body = bytes(buffer[HEADER.size : end])
    del buffer[:end]
    greeting = _decode(kind, body)
    if _body(greeting) != body:
        raise WireError(f"malformed {type(greeting).__name__}: not in its one encoding")
    return greeting


def _decode(kind: int, body: bytes) -> Greeting:
    content = body
    if kind == _HELLO:
        if body[: len(MAGIC)] != MAGIC:
            raise WireError("malformed Hello: not of distbench")
        content = body[len(MAGIC) + 2 :]
        version = int.from_bytes(body[len(MAGIC) : len(MAGIC) + 2])
        if version != PROTOCOL_VERSION:
            raise VersionDiffers(version)
    try:
        return _DECODERS[kind].decode(content)
    except ValueError as error:  # msgspec's own errors and UnicodeDecodeError
        raise WireError(f"malformed {_KINDS[kind].__name__}: {error}") from error


def statement(role: str, hello: Hello, challenge: Challenge, *received: int) -> bytes:
    """What the side with this role signs.

    Label and protocol version, its own role, both messages as they were sent (which hold run id, both ids, both keys,
    both nonces and all that the sides must agree on), and what was received: the initiator's number, and for the
    responder its own after it.
    """
    return _encode(("distbench handshake", PROTOCOL_VERSION, role, hello, challenge, received))
