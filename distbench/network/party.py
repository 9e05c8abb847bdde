"""What a side brings into a handshake, and what it takes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from distbench.community import PeerId
from distbench.errors import ConfigError, WireError
from distbench.network.greetings import ID_LENGTH


class Signer(Protocol):
    """A key pair."""

    @property
    def public(self) -> bytes:
        """32 bytes of Ed25519."""

    def sign(self, data: bytes) -> bytes:
        """A detached signature of 64 bytes."""


class Verify(Protocol):
    """Whether ``signature`` is that of ``data`` by the holder of ``public``."""

    def __call__(self, public: bytes, data: bytes, signature: bytes, /) -> bool: ...


Received = Callable[[PeerId, int], int | None]
"""For a peer and its incarnation: the last number received in the session with it, 0 if there is none yet, None if a
later incarnation of that peer is known, or it counts as gone. To look at it changes nothing."""

Acked = Callable[[PeerId, int], int]
"""For a peer and its incarnation: the last number that it has acknowledged in the session with it, 0 if there is none.
"""


Roster = Mapping[PeerId, bytes | None]
"""The ids that may connect, and their keys; None where the first key that proves itself is to stand."""


class Cause(StrEnum):
    """Why a handshake failed, for counting."""

    MALFORMED = "malformed"
    ORDER = "out of order"
    VERSION = "protocol version"
    FORMAT = "format"
    DEFINITION = "definition"
    CONFIG = "config"
    RUN = "run"
    ADDRESS = "wrong node"
    STRANGER = "unknown node"
    IMPOSTOR = "wrong key"
    SIGNATURE = "signature"
    STALE = "stale incarnation"
    EARLY = "too early"
    BY_PEER = "refused by the peer"


class HandshakeRefused(WireError):
    """The handshake is over without a result.

    ``reason`` is for people, ``cause`` for counting; ``answer`` is what to write before closing, so that the peer can
    say why, too.
    """

    def __init__(self, cause: Cause, reason: str, answer: bytes) -> None:
        super().__init__(reason)
        self.cause, self.reason, self.answer = cause, reason, answer


@dataclass(frozen=True, slots=True)
class Terms:
    """What both sides must have in common. ``definition`` and ``config`` are SHA-256 digests.

    ``run`` names the run, 64 bytes at most; empty at an initiator that takes it from the responder.
    """

    run: bytes
    format: str
    definition: bytes
    config: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A node as it stands in all its handshakes. ``incarnation`` counts its restarts."""

    node: PeerId
    keys: Signer
    incarnation: int
    terms: Terms
    roster: Roster
    verify: Verify
    received: Received
    acked: Acked = lambda peer, incarnation: 0
    early: bool = False
    """The roster is not complete yet: who is not in it may try again."""

    def __post_init__(self) -> None:
        if not 0 < len(self.node) <= ID_LENGTH:
            raise ConfigError(
                f"node id {self.node[:40]!r} has {len(self.node)} characters; a link needs 1 to {ID_LENGTH}"
            )


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a handshake ends in; ``received`` is the peer's number for ``Session.on_connected``.

    ``least`` is what the peer had acknowledged when it was asked for that number.
    """

    peer: PeerId
    key: bytes
    incarnation: int
    received: int
    least: int
    run: bytes
