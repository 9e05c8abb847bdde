"""Two nodes that can shake hands, for the tests of the network room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from distbench.community import PeerId
from distbench.network.handshake import Handshake, Initiator, Responder
from distbench.network.party import Party, Roster, Terms
from distbench.signing import KeyPair, verify

N1, N2, N3 = PeerId("n1"), PeerId("n2"), PeerId("n3")
KEYS: Mapping[PeerId, KeyPair] = {node: KeyPair(sha256(node.encode()).digest()) for node in (N1, N2, N3)}
ROSTER: Roster = {node: keys.public for node, keys in KEYS.items()}
TERMS = Terms(run=b"run 1", format="json", definition=sha256(b"echo").digest(), config=sha256(b"three nodes").digest())


def party(node: PeerId, received: int = 0) -> Party:
    """A node of the run; ``received`` is what it has of every peer's session."""
    return Party(
        node=node,
        keys=KEYS[node],
        incarnation=1,
        terms=TERMS,
        roster=ROSTER,
        verify=verify,
        received=lambda peer, incarnation: received,
    )


def nonce(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


def initiator(me: Party | None = None, peer: PeerId = N2, number: int = 1) -> Initiator:
    return Initiator(me or party(N1, received=11), nonce(number), peer)


def responder(me: Party | None = None, number: int = 2) -> Responder:
    return Responder(me or party(N2, received=22), nonce(number))


def shake(dialling: Handshake, dialled: Handshake) -> list[bytes]:
    """Carry the messages until nobody answers; all that were written, in order."""
    written = [dialling.first()]
    sides = [dialled, dialling]
    while written[-1]:
        written.append(sides[0].receive(written[-1]))
        sides.reverse()
    return written[:-1]


def without(roster: Roster, *nodes: PeerId) -> Roster:
    """``roster`` with the keys of ``nodes`` not known yet."""
    return {node: None if node in nodes else key for node, key in roster.items()}


def with_terms(me: Party, terms: Terms) -> Party:
    return replace(me, terms=terms)
