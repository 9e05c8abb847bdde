"""How two nodes prove to each other who they are before a session goes on over a new connection.

         message    from       carries                                              the receiver refuses
    1    Hello      initiator  version, run id, format, digests of definition and   what differs from its own; an id
                               config, both ids, own key, incarnation and nonce     or key that is not in the roster
    2    Challenge  responder  run id, own key, incarnation and nonce               likewise
    3    Proof      initiator  last number received in the session, signature       a signature that does not verify
    4    Welcome    responder  last number received in the session, signature       a signature that does not verify
    any  Refusal    either     why; instead of the next message, then it closes

A side moves on like this; everything else is refused:

    phase      message    next
    CALLING    Challenge  PROVING     (the initiator after its Hello)
    PROVING    Welcome    DONE
    LISTENING  Hello      ASKING      (the responder)
    ASKING     Proof      DONE

A signature covers a label, the signer's role, and every field of Hello and Challenge with it: run id, both ids, both
keys, both nonces and the rest. So it is worth nothing in another handshake (replay), in the other role (reflection), to
another node or in another run. The responder compares before it verifies, and verifies before it signs.

Nothing changes before the proof. A refusal, and whatever else precedes the peer's signature, is counted and printed; it
ends no connection but its own, and is remembered nowhere. A connection that is in use is read, written and acknowledged
while another handshake is under way; each side changes over when the other's signature has verified, the responder with
the Proof and the initiator with the Welcome, and reads the old connection no more from then on. So the numbers that
they tell each other are these:

- The responder tells its number in the moment in which it changes over: it is exact.
- The initiator tells its number before it knows to whom, and may receive more until it changes over. The responder then
  sends again what the initiator has, which drops it by its number; it may also have heard a higher number by an ack on
  the old connection, after it asked. So the least that a number may be is what its teller had acknowledged when it was
  asked, by the Challenge or the Proof. A smaller one shows that the teller has forgotten the session.

The roster maps the ids that may connect to their keys, or to None where the first key that proves itself is to stand;
the caller then enters it. What this does not protect: the content of a connection after the handshake, against someone
who can change bytes on the path.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NoReturn

from distbench.community import PeerId
from distbench.errors import InternalError, WireError
from distbench.network.greetings import (
    PROTOCOL_VERSION,
    Challenge,
    Greeting,
    Hello,
    Proof,
    Refusal,
    VersionDiffers,
    Welcome,
    encode_greeting,
    statement,
    take_greeting,
)
from distbench.network.party import Agreed, Cause, HandshakeRefused, Party

TOO_EARLY: Final = "the other nodes are not known here yet; try again"
"""The reason of a refusal that is no fault of anybody: it is neither counted nor shown."""
_INITIATOR: Final = "initiator"
_RESPONDER: Final = "responder"


class Phase(Enum):
    """What a side waits for."""

    CALLING = "calling"
    PROVING = "proving"
    LISTENING = "listening"
    ASKING = "asking"
    DONE = "done"
    REFUSED = "refused"


NEXT: Final[dict[tuple[Phase, type[Greeting]], Phase]] = {
    (Phase.CALLING, Challenge): Phase.PROVING,
    (Phase.PROVING, Welcome): Phase.DONE,
    (Phase.LISTENING, Hello): Phase.ASKING,
    (Phase.ASKING, Proof): Phase.DONE,
}


class Handshake:
    """What both sides share; use Initiator or Responder.

    Write ``first()`` once connected, then what ``receive`` returns, until ``done``; then ``result`` says with whom, and
    ``rest`` has the bytes that belong to the session's FrameReader. Holds at most a few KiB and one read of the socket.
    """

    _START: Phase

    def __init__(self, me: Party, nonce: bytes) -> None:
        """``nonce``: 32 random bytes, fresh for each handshake."""
        self._me = me
        self._nonce = nonce
        self._phase = self._START
        self._buffer = bytearray()
        self._result: Agreed

    @property
    def phase(self) -> Phase:
        """What this side waits for."""
        return self._phase

    @property
    def done(self) -> bool:
        """The peer has proven who it is."""
        return self._phase is Phase.DONE

    @property
    def result(self) -> Agreed:
        """With whom; only when ``done``."""
        if self._phase is not Phase.DONE:
            raise InternalError(f"a handshake that is {self._phase.value} has no result")
        return self._result

    @property
    def rest(self) -> bytes:
        """What the peer sent after the handshake; only when ``done``."""
        return bytes(self._buffer) if self._phase is Phase.DONE else b""

    def first(self) -> bytes:
        """What to write before anything arrives."""
        return b""

    def receive(self, data: bytes) -> bytes:
        """What to write in answer; raises HandshakeRefused. What comes after a refusal is ignored."""
        if self._phase is Phase.REFUSED:
            return b""
        if self._phase is Phase.DONE:
            raise InternalError("the handshake is done: these bytes belong to the session")
        self._buffer += data
        answer = b""
        while not self.done:
            try:
                greeting = take_greeting(self._buffer)
            except VersionDiffers as error:
                self._refuse(
                    Cause.VERSION,
                    f"the dialling node speaks protocol version {error.version}, {self._me.node} speaks "
                    f"{PROTOCOL_VERSION}; install the same distbench at all nodes",
                )
            except WireError as error:
                self._refuse(Cause.MALFORMED, str(error))
            if greeting is None:
                break
            answer += self._step(greeting)
        return answer

    def _step(self, greeting: Greeting) -> bytes:
        if isinstance(greeting, Refusal):
            self._phase = Phase.REFUSED
            if greeting.reason == TOO_EARLY:
                raise HandshakeRefused(Cause.EARLY, "it does not know the other nodes yet", b"")
            reason = "".join(c if c.isprintable() else "?" for c in greeting.reason)
            raise HandshakeRefused(Cause.BY_PEER, f"refused by the peer: {reason}", b"")
        phase = NEXT.get((self._phase, type(greeting)))
        if phase is None:
            self._refuse(Cause.ORDER, f"{type(greeting).__name__} came while {self._phase.value}")
        answer = self._answer(greeting)
        self._phase = phase
        return answer

    def _answer(self, greeting: Greeting) -> bytes:
        """Check a message that is in order; the bytes that answer it."""
        raise NotImplementedError

    def _refuse(self, cause: Cause, reason: str) -> NoReturn:
        self._phase = Phase.REFUSED
        self._buffer = bytearray()
        raise HandshakeRefused(cause, reason, encode_refusal(reason))

    def _check_key(self, peer: PeerId, key: bytes) -> None:
        """Refuse an id that is not in the roster, and a key that is not this id's."""
        if peer == self._me.node or peer not in self._me.roster:
            if self._me.early:
                self._refuse(Cause.EARLY, TOO_EARLY)
            self._refuse(Cause.STRANGER, f"{peer!r} is no peer of {self._me.node}; compare the configs of both")
        if self._me.roster[peer] not in (None, key):
            self._refuse(Cause.IMPOSTOR, f"{peer} showed a key that is not the one known for it")
        if key == self._me.keys.public:
            self._refuse(Cause.IMPOSTOR, f"{peer} showed the key of {self._me.node}")

    def _check_run(self, peer: str, run: bytes) -> None:
        if run != self._me.terms.run:
            self._refuse(
                Cause.RUN,
                f"{peer} is in run {run.hex()[:8]}, {self._me.node} in run {self._me.terms.run.hex()[:8]}; "
                f"a process of an earlier run may still be there",
            )

    def _check_nonce(self, nonce: bytes) -> None:
        if nonce == self._nonce:
            self._refuse(Cause.SIGNATURE, "the peer showed this side's own nonce")

    def _check_signature(self, peer: PeerId, key: bytes, data: bytes, signature: bytes) -> None:
        if not self._me.verify(key, data, signature):
            self._refuse(Cause.SIGNATURE, f"{peer} could not prove that it holds its key")

    def _received_from(self, peer: PeerId, incarnation: int) -> int:
        number = self._me.received(peer, incarnation)
        if number is None:
            self._refuse(
                Cause.STALE,
                f"incarnation {incarnation} of {peer} is over: {self._me.node} counts it as gone or knows a later one",
            )
        return number


class Initiator(Handshake):
    """The side that dials ``peer``."""

    _START = Phase.CALLING

    def __init__(self, me: Party, nonce: bytes, peer: PeerId) -> None:
        super().__init__(me, nonce)
        terms = me.terms
        self._peer = peer
        self._hello = Hello(
            run=terms.run,
            format=terms.format,
            definition=terms.definition,
            config=terms.config,
            src=me.node,
            dst=peer,
            key=me.keys.public,
            incarnation=me.incarnation,
            nonce=nonce,
        )
        self._challenge: Challenge
        self._told: int
        self._least: int

    def first(self) -> bytes:
        """The Hello."""
        return encode_greeting(self._hello)

    def _answer(self, greeting: Greeting) -> bytes:
        match greeting:
            case Challenge():
                return self._prove(greeting)
            case Welcome():
                return self._finish(greeting)
            case _:
                raise InternalError(f"{type(greeting).__name__} is not for an initiator")

    def _prove(self, challenge: Challenge) -> bytes:
        self._check_key(self._peer, challenge.key)
        if self._me.terms.run:
            self._check_run(self._peer, challenge.run)
        self._check_nonce(challenge.nonce)
        self._challenge = challenge
        self._told = self._received_from(self._peer, challenge.incarnation)
        self._least = self._me.acked(self._peer, challenge.incarnation)
        signed = statement(_INITIATOR, self._hello, challenge, self._told)
        return encode_greeting(Proof(self._told, self._me.keys.sign(signed)))

    def _finish(self, welcome: Welcome) -> bytes:
        challenge = self._challenge
        signed = statement(_RESPONDER, self._hello, challenge, self._told, welcome.received)
        self._check_signature(self._peer, challenge.key, signed, welcome.signature)
        self._check_key(self._peer, challenge.key)  # once more: another key may have proven itself first
        self._result = Agreed(
            self._peer, challenge.key, challenge.incarnation, welcome.received, self._least, challenge.run
        )
        return b""


class Responder(Handshake):
    """The side that is dialled, and learns from the Hello by whom."""

    _START = Phase.LISTENING
    _hello: Hello
    _challenge: Challenge
    _least: int

    def _answer(self, greeting: Greeting) -> bytes:
        match greeting:
            case Hello():
                return self._ask(greeting)
            case Proof():
                return self._accept(greeting)
            case _:
                raise InternalError(f"{type(greeting).__name__} is not for a responder")

    def _ask(self, hello: Hello) -> bytes:
        """Compare all that can be compared without a signature."""
        peer = PeerId(hello.src)
        self._check_terms(hello)
        self._check_key(peer, hello.key)
        self._check_nonce(hello.nonce)
        me = self._me
        self._hello = hello
        self._least = me.acked(peer, hello.incarnation)
        self._challenge = Challenge(me.terms.run or hello.run, me.keys.public, me.incarnation, self._nonce)
        return encode_greeting(self._challenge)

    def _check_terms(self, hello: Hello) -> None:
        """Refuse what differs from this side's run, naming all of it."""
        here, terms = self._me.node, self._me.terms
        peer = repr(hello.src)
        if hello.dst != here:
            self._refuse(
                Cause.ADDRESS,
                f"{peer} wanted {hello.dst!r}, but this is {here}; check the hosts and ports in the config",
            )
        differences: list[tuple[Cause, str]] = []
        if hello.format != terms.format:
            differences.append((Cause.FORMAT, f"format {hello.format!r} there, {terms.format!r} here"))
        if hello.definition != terms.definition:
            differences.append((Cause.DEFINITION, _differing("algorithm", hello.definition, terms.definition)))
        if hello.config != terms.config:
            differences.append((Cause.CONFIG, _differing("config", hello.config, terms.config)))
        if differences:
            causes, texts = zip(*differences, strict=True)
            self._refuse(causes[0], f"{peer} and {here} differ: {'; '.join(texts)}")
        if hello.run and terms.run:  # a side that does not know the run yet takes it from the other
            self._check_run(peer, hello.run)

    def _accept(self, proof: Proof) -> bytes:
        hello, challenge = self._hello, self._challenge
        peer = PeerId(hello.src)
        signed = statement(_INITIATOR, hello, challenge, proof.received)
        self._check_signature(peer, hello.key, signed, proof.signature)
        self._check_key(peer, hello.key)  # once more: another key may have proven itself first
        received = self._received_from(peer, hello.incarnation)
        signed = statement(_RESPONDER, hello, challenge, proof.received, received)
        self._result = Agreed(peer, hello.key, hello.incarnation, proof.received, self._least, challenge.run)
        return encode_greeting(Welcome(received, self._me.keys.sign(signed)))


def encode_refusal(reason: str) -> bytes:
    """What to write before closing a connection whose handshake does not go on, for instance past its time limit."""
    return encode_greeting(Refusal(reason[:1000].encode(errors="replace").decode()))


def _differing(what: str, there: bytes, here: bytes) -> str:
    return f"{what} {there.hex()[:8]} there, {here.hex()[:8]} here"
