"""Handshakes: who may connect, who may not, and that both are told why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench.network.greetings as greetings
import distbench.network.handshake as module
from distbench.community import PeerId
from distbench.errors import ConfigError, InternalError, WireError
from distbench.network.frames import HEADER, encode_ack
from distbench.network.greetings import GREETING_LIMIT
from distbench.network.handshake import NEXT, Phase, encode_refusal
from distbench.network.party import Cause, HandshakeRefused, Party, Terms
from distbench.signing import KeyPair
from tests.network.greeters import (
    KEYS,
    N1,
    N2,
    N3,
    ROSTER,
    TERMS,
    initiator,
    nonce,
    party,
    responder,
    shake,
    with_terms,
    without,
)

STRANGER = KeyPair(sha256(b"stranger").digest())


@contextmanager
def refused(cause: Cause, *words: str) -> Iterator[pytest.ExceptionInfo[HandshakeRefused]]:
    """Expects a refusal for ``cause`` whose text has ``words``."""
    with pytest.raises(HandshakeRefused) as caught:
        yield caught
    assert caught.value.cause is cause
    for word in words:
        assert word in caught.value.reason


def test_both_sides_learn_who_the_other_is_and_what_it_has() -> None:
    dialling, dialled = initiator(), responder()
    written = shake(dialling, dialled)
    assert len(written) == 4
    assert dialling.done
    assert dialled.done
    ours, theirs = dialling.result, dialled.result
    assert (ours.peer, ours.key, ours.incarnation, ours.received) == (N2, KEYS[N2].public, 1, 22)
    assert (theirs.peer, theirs.key, theirs.incarnation, theirs.received) == (N1, KEYS[N1].public, 1, 11)
    assert ours.run == theirs.run == b"run 1"
    assert dialling.rest == dialled.rest == b""


@given(st.data())
def test_the_messages_may_come_in_any_pieces_and_what_follows_is_left_for_the_session(data: st.DataObject) -> None:
    dialling, dialled = initiator(), responder()
    after = encode_ack(0) * 3
    written, sides = dialling.first(), [dialled, dialling]
    for last in (False, False, False, True):
        stream = written + after if last else written
        cuts = sorted(data.draw(st.lists(st.integers(0, len(written) - 1), max_size=4)))
        written = b""
        for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            assert not written
            written = sides[0].receive(stream[start:stop])
        sides.reverse()
    assert dialled.done
    assert dialling.done
    assert dialling.rest == after


def test_there_is_no_result_before_the_end_and_no_more_to_read_after_it() -> None:
    dialling, dialled = initiator(), responder()
    with pytest.raises(InternalError, match="calling has no result"):
        dialling.result  # noqa: B018
    assert dialled.first() == b""
    shake(dialling, dialled)
    with pytest.raises(InternalError, match="belong to the session"):
        dialling.receive(b"x")


@pytest.mark.parametrize(
    "terms, cause, words",
    [
        (replace(TERMS, format="msgpack"), Cause.FORMAT, ["'msgpack' there", "'json' here"]),
        (replace(TERMS, definition=bytes(32)), Cause.DEFINITION, ["algorithm 00000000 there"]),
        (replace(TERMS, config=bytes(32)), Cause.CONFIG, ["config 00000000 there"]),
        (replace(TERMS, run=b"run 0"), Cause.RUN, ["'n1' is in run", "n2 in run"]),
        (
            replace(TERMS, format="msgpack", definition=bytes(32), config=bytes(32)),
            Cause.FORMAT,
            ["'n1' and n2 differ", "format", "algorithm", "config"],
        ),
    ],
    ids=["format", "definition", "config", "run", "all"],
)
def test_what_differs_is_named_to_both(terms: Terms, cause: Cause, words: list[str]) -> None:
    dialling, dialled = initiator(with_terms(party(N1), terms)), responder()
    with refused(cause, *words) as here:
        dialled.receive(dialling.first())
    with refused(Cause.BY_PEER, *words):
        dialling.receive(here.value.answer)
    assert dialled.phase is dialling.phase is Phase.REFUSED
    assert dialled.receive(b"anything") == b""


def test_another_version_is_refused_whatever_else_its_hello_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(greetings, "PROTOCOL_VERSION", 2)
        hello = bytearray(initiator().first())
    hello[0:4] = (len(hello) - HEADER.size + 1).to_bytes(4)
    with refused(Cause.VERSION, "version 2", "n2 speaks 1") as here:
        responder().receive(bytes(hello + b"?"))
    with refused(Cause.BY_PEER, "version 2"):
        initiator().receive(here.value.answer)


def test_a_node_at_the_wrong_address_is_named() -> None:
    dialling = initiator(peer=N3)
    with refused(Cause.ADDRESS, "'n1' wanted 'n3', but this is n2"):
        responder().receive(dialling.first())


def test_a_stranger_is_refused() -> None:
    stranger = replace(party(N1), node=PeerId("n9"), keys=STRANGER)
    with refused(Cause.STRANGER, "'n9' is no peer of n2"):
        shake(initiator(stranger), responder())


def test_an_impostor_with_another_key_is_refused_on_either_side() -> None:
    impostor = replace(party(N1), keys=STRANGER)
    with refused(Cause.IMPOSTOR, "n1 showed a key"):
        shake(initiator(impostor), responder())
    impostor = replace(party(N2), keys=STRANGER)
    with refused(Cause.IMPOSTOR, "n2 showed a key"):
        shake(initiator(), responder(impostor))


class Pretender:
    """Shows another's public key, and signs with its own."""

    def __init__(self, public: bytes) -> None:
        self.public = public

    def sign(self, data: bytes) -> bytes:
        return STRANGER.sign(data)


def test_an_impostor_with_the_right_public_key_cannot_prove_it() -> None:
    for roster in (ROSTER, without(ROSTER, N1, N2)):
        false = replace(party(N1), keys=Pretender(KEYS[N1].public))
        dialled = responder(replace(party(N2), roster=roster))
        with refused(Cause.SIGNATURE, "n1 could not prove"):
            shake(initiator(false), dialled)
        false = replace(party(N2), keys=Pretender(KEYS[N2].public))
        dialling = initiator(replace(party(N1), roster=roster))
        with refused(Cause.SIGNATURE, "n2 could not prove"):
            shake(dialling, responder(false))


def test_a_node_refuses_its_own_id_and_its_own_key() -> None:
    twin = initiator(party(N2), peer=N2)
    with refused(Cause.STRANGER):
        responder().receive(twin.first())
    roster = without(ROSTER, N1)
    copy = initiator(replace(party(N1), keys=KEYS[N2]))
    with refused(Cause.IMPOSTOR, "showed the key of n2"):
        shake(copy, responder(replace(party(N2), roster=roster)))


def test_a_replayed_initiator_is_refused() -> None:
    hello, _, proof, _ = shake(initiator(), responder())
    again = responder(number=3)
    again.receive(hello)
    with refused(Cause.SIGNATURE):
        again.receive(proof)


def test_a_replayed_responder_is_refused() -> None:
    _, challenge, _, welcome = shake(initiator(), responder())
    again = initiator(number=3)
    again.receive(challenge)
    with refused(Cause.SIGNATURE):
        again.receive(welcome)


def test_a_proof_for_another_node_is_worth_nothing() -> None:
    """n3, a participant, hands on to n2 what n1 says to it, with the nonces of n2."""
    for_n3, n3, dialled = initiator(peer=N3), responder(party(N3), number=2), responder()
    proof = for_n3.receive(n3.receive(for_n3.first()))
    with refused(Cause.ADDRESS):
        responder().receive(for_n3.first())
    dialled.receive(initiator().first())
    with refused(Cause.SIGNATURE):
        dialled.receive(proof)


def test_a_proof_of_another_run_is_worth_nothing() -> None:
    proof = shake(initiator(), responder())[2]
    terms = replace(TERMS, run=b"run 2")
    dialled = responder(with_terms(party(N2), terms))
    dialled.receive(initiator(with_terms(party(N1), terms)).first())
    with refused(Cause.SIGNATURE):
        dialled.receive(proof)


def test_a_reflected_handshake_is_refused() -> None:
    dialling = initiator()
    with refused(Cause.ORDER, "Hello came while calling"):
        dialling.receive(dialling.first())
    dialled, dialling = responder(), initiator()
    challenge = dialled.receive(dialling.first())
    with refused(Cause.ORDER):
        dialled.receive(challenge)
    # The initiator's own nonce and proof sent back to it as the responder's.
    dialling, dialled = initiator(number=1), responder(number=1)
    with refused(Cause.SIGNATURE, "own nonce"):
        shake(dialling, dialled)
    challenge = responder(number=1).receive(initiator(number=3).first())
    with refused(Cause.SIGNATURE, "own nonce"):
        initiator(number=1).receive(challenge)


def test_a_signature_of_one_role_is_worth_nothing_in_the_other() -> None:
    hello, challenge, proof, welcome = shake(initiator(), responder())
    dialling = initiator()
    dialling.receive(challenge)
    body = proof[HEADER.size :]
    with refused(Cause.SIGNATURE):
        dialling.receive(HEADER.pack(len(body), welcome[4]) + body)
    dialled = responder()
    dialled.receive(hello)
    body = welcome[HEADER.size :]
    with refused(Cause.SIGNATURE):
        dialled.receive(HEADER.pack(len(body), proof[4]) + body)


@pytest.mark.parametrize("roster", [ROSTER, without(ROSTER, N1, N2)], ids=["roster", "first key stands"])
@pytest.mark.parametrize("index", range(4), ids=["hello", "challenge", "proof", "welcome"])
def test_no_flipped_bit_passes(index: int, roster: dict[PeerId, bytes | None]) -> None:
    me, you = replace(party(N1, received=11), roster=roster), replace(party(N2, received=22), roster=roster)
    length = len(shake(initiator(me), responder(you))[index])
    refusals = waiting = 0
    for bit in range(length * 8):
        dialling, dialled = initiator(me), responder(you)
        victims = [dialled, dialling]
        written = dialling.first()
        try:
            for step in range(4):
                if step == index:
                    damaged = bytearray(written)
                    damaged[bit // 8] ^= 1 << bit % 8
                    written = bytes(damaged)
                written = victims[step % 2].receive(written)
        except HandshakeRefused:
            refusals += 1
            assert not dialling.done
        else:
            # Only a length that now promises more bytes is waited for, until the caller's time limit.
            waiting += 1
            assert bit < 32
            assert not dialling.done
        assert not victims[index % 2].done
    assert waiting <= 12
    assert refusals + waiting == length * 8


def test_without_a_key_in_the_roster_the_first_one_stands() -> None:
    roster: dict[PeerId, bytes | None] = dict(without(ROSTER, N1))
    me = replace(party(N2), roster=roster)
    dialled, rival = responder(me, number=2), responder(me, number=3)
    other = initiator(replace(party(N1), keys=STRANGER))
    proof_of_other = other.receive(rival.receive(other.first()))
    shake(initiator(), dialled)
    roster[N1] = dialled.result.key
    with refused(Cause.IMPOSTOR):
        rival.receive(proof_of_other)
    with refused(Cause.IMPOSTOR):
        shake(initiator(replace(party(N1), keys=STRANGER), number=7), responder(me, number=4))
    assert shake(initiator(number=9), responder(me, number=5))[-1]


def test_an_initiator_without_a_run_takes_the_responders() -> None:
    dialling, dialled = initiator(with_terms(party(N1), replace(TERMS, run=b""))), responder()
    shake(dialling, dialled)
    assert dialling.result.run == dialled.result.run == b"run 1"


def test_a_responder_of_another_run_is_refused_by_the_initiator() -> None:
    dialling = initiator()
    hello = initiator(with_terms(party(N1), replace(TERMS, run=b""))).first()
    challenge = responder(with_terms(party(N2), replace(TERMS, run=b"run 2"))).receive(hello)
    with refused(Cause.RUN, "n2 is in run"):
        dialling.receive(challenge)


def test_a_stale_incarnation_is_refused_on_either_side() -> None:

    def knows_later(peer: PeerId, incarnation: int) -> int | None:
        return None if incarnation < 2 else 0

    with refused(Cause.STALE, "incarnation 1 of n1 is over"):
        shake(initiator(), responder(replace(party(N2), received=knows_later)))
    with refused(Cause.STALE, "of n2"):
        shake(initiator(replace(party(N1), received=knows_later)), responder())
    newer = replace(party(N1), incarnation=2)
    dialled = responder(replace(party(N2), received=knows_later))
    shake(initiator(newer), dialled)
    assert dialled.result.incarnation == 2


class Counting:
    """A key pair and verifier that count their work."""

    def __init__(self, me: Party) -> None:
        self.work = 0
        self.signed: list[bytes] = []
        self.me = replace(me, keys=self, verify=self.verify)
        self._inner = me

    @property
    def public(self) -> bytes:
        return self._inner.keys.public

    def sign(self, data: bytes) -> bytes:
        self.work += 1
        self.signed.append(data)
        return self._inner.keys.sign(data)

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        self.work += 1
        return self._inner.verify(public, data, signature)


def test_each_side_signs_its_role_the_run_both_ids_both_keys_and_both_nonces() -> None:
    one, two = Counting(party(N1)), Counting(party(N2))
    shake(initiator(one.me), responder(two.me))
    (first,), (second,) = one.signed, two.signed
    for word in (b"distbench handshake", b"run 1", b"n1", b"n2", one.public, two.public, nonce(1), nonce(2)):
        assert word in first
        assert word in second
    assert b"initiator" in first
    assert b"responder" in second
    assert b"initiator" not in second


def test_what_a_peer_says_changes_nothing_before_it_has_proven_itself() -> None:
    asked: list[PeerId] = []

    def received(peer: PeerId, incarnation: int) -> int:
        asked.append(peer)
        return 22

    me = replace(party(N2), received=received)
    with pytest.raises(HandshakeRefused):
        shake(initiator(replace(party(N1), keys=Pretender(KEYS[N1].public))), responder(me))
    assert asked == []
    shake(initiator(), responder(me))
    assert asked == [N1]


def test_of_two_keys_that_prove_themselves_to_a_side_that_dials_the_first_one_stands() -> None:
    roster = {**ROSTER, N2: None}
    dialling, dialled = initiator(replace(party(N1), roster=roster)), responder()
    proof = dialling.receive(dialled.receive(dialling.first()))
    roster[N2] = STRANGER.public  # it was dialled twice, and another answered sooner
    with refused(Cause.IMPOSTOR):
        dialling.receive(dialled.receive(proof))


def test_a_node_that_does_not_know_the_others_yet_asks_them_to_try_again() -> None:
    early = replace(party(N2), roster={N3: KEYS[N3].public}, early=True)
    dialled, dialling = responder(early), initiator()
    with refused(Cause.EARLY) as error:
        dialled.receive(dialling.first())
    with refused(Cause.EARLY, "does not know the other nodes yet"):
        dialling.receive(error.value.answer)


def test_a_responder_compares_before_it_verifies_and_verifies_before_it_signs() -> None:
    counting = Counting(party(N2))
    for wrong in (with_terms(party(N1), replace(TERMS, format="other")), replace(party(N1), keys=STRANGER)):
        with pytest.raises(HandshakeRefused):
            shake(initiator(wrong), responder(counting.me))
    assert counting.work == 0
    with pytest.raises(HandshakeRefused):
        shake(initiator(replace(party(N1), keys=Pretender(KEYS[N1].public))), responder(counting.me))
    assert counting.work == 1


def test_a_message_too_long_is_refused_by_its_header() -> None:
    for side in (initiator(), responder()):
        with refused(Cause.MALFORMED, "not a handshake of distbench"):
            side.receive(HEADER.pack(GREETING_LIMIT + 1, 17))


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\nHost: n2\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(64)]
)
def test_other_protocols_are_refused(data: bytes) -> None:
    with refused(Cause.MALFORMED):
        responder().receive(data)


def test_a_refusal_is_shown_without_control_characters_and_is_not_answered() -> None:
    with refused(Cause.BY_PEER, "refused by the peer: no?[31m?way") as refusal:
        initiator().receive(encode_refusal("no\x1b[31m\nway"))
    assert refusal.value.answer == b""
    assert isinstance(refusal.value, WireError)


def test_a_long_refusal_is_cut_and_fits() -> None:
    answer = encode_refusal("日\ud800" * 3000)
    assert len(answer) <= GREETING_LIMIT + HEADER.size
    with refused(Cause.BY_PEER, "日?日?"):
        initiator().receive(answer)


def test_the_longest_ids_fit_and_longer_ones_are_a_config_error() -> None:
    long1, long2 = PeerId("𝄞" * 255), PeerId("𝄢" * 255)
    roster = {long1: KEYS[N1].public, long2: KEYS[N2].public}
    dialling = initiator(replace(party(N1), node=long1, roster=roster), peer=long2)
    dialled = responder(replace(party(N2), node=long2, roster=roster))
    assert max(map(len, shake(dialling, dialled))) <= GREETING_LIMIT
    for wrong in ("", "x" * 256):
        with pytest.raises(ConfigError, match="characters; a link needs 1 to 255"):
            replace(party(N1), node=PeerId(wrong))


def test_a_second_encoding_of_the_same_values_is_refused() -> None:
    dialling, dialled = initiator(), responder()
    proof = dialling.receive(dialled.receive(dialling.first()))
    assert proof[HEADER.size :][:2] == b"\x92\x0b"  # an array of two; 11
    body = b"\x92\xcc\x0b" + proof[HEADER.size + 2 :]  # the same 11 in two bytes
    with refused(Cause.MALFORMED, "one encoding"):
        dialled.receive(HEADER.pack(len(body), proof[4]) + body)


def test_the_table_in_the_docs_is_the_one_in_the_code() -> None:
    lines = (module.__doc__ or "").splitlines()
    rows = [line.split()[:3] for line in lines if line.startswith(tuple(f"    {phase.name} " for phase in Phase))]
    assert [tuple(row) for row in rows] == [(p.name, g.__name__, n.name) for (p, g), n in NEXT.items()]


def test_a_refusal_may_come_at_any_time() -> None:
    refusal = encode_refusal("no")
    dialling, dialled = initiator(), responder()
    hello = dialling.first()
    for side in (responder(), initiator()):
        with refused(Cause.BY_PEER):
            side.receive(refusal)
    challenge = dialled.receive(hello)
    with refused(Cause.BY_PEER):
        dialled.receive(refusal)
    dialling.receive(challenge)
    with refused(Cause.BY_PEER):
        dialling.receive(refusal)
