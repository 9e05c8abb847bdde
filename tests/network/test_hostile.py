"""Hostile bytes: whatever a peer sends, the pure classes raise WireError and nothing else, and stay sound."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from distbench.errors import WireError
from distbench.network.frames import (
    HEADER,
    Batch,
    Message,
    encode_ack,
    encode_batch,
    encode_bye,
    encode_single,
)
from distbench.network.framing import FrameReader
from distbench.network.greetings import GREETING_LIMIT
from distbench.network.handshake import Handshake
from distbench.network.session import BATCH_WEIGHT, Phase, Session
from tests.network.greeters import N1, N2, ROSTER, initiator, party, responder, shake, without

GREETINGS = shake(initiator(), responder())
OPEN = without(ROSTER, N1, N2)


@given(st.binary(max_size=200))
@example(HEADER.pack(2, 3) + b"\x91\x00")
def test_random_bytes_never_raise_anything_but_a_wire_error(data: bytes) -> None:
    session = Session()
    session.on_connected(0)
    for side in (initiator(), responder()):
        with suppress(WireError):
            side.receive(data)
        assert not side.done
    with suppress(WireError):
        for frame in FrameReader().feed(data):
            session.receive(frame)


def random_value(rng: random.Random, depth: int = 0) -> object:
    """Anything that msgpack can say, likely at the edge of what is allowed."""
    kind = rng.randrange(9 if depth < 4 else 6)
    if kind < 3:
        return rng.choice((-3, -2, -1, 0, 1, 2, 255, 2**31 - 1, 2**31, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)))
    if kind == 3:
        return rng.randbytes(rng.choice((0, 1, 32, 64)))
    if kind == 4:
        return rng.choice(("", "x", "\0" * 300, "日" * 1001))
    if kind == 5:
        return rng.choice((None, True, 1.0, float("nan")))
    if kind == 6:
        return {rng.choice(("a", 1)): random_value(rng, depth + 1)}
    return [random_value(rng, depth + 1) for _ in range(rng.randrange(5))]


def damaged(rng: random.Random, data: bytes) -> bytes:
    """``data`` with some bytes changed, cut out, doubled or put in, or with a false length."""
    result = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(result) + 1)
        match rng.randrange(6):
            case 0 | 1:
                if at < len(result):
                    result[at] ^= 1 << rng.randrange(8)
            case 2:
                del result[at : at + rng.randrange(1, 9)]
            case 3:
                result[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 4:
                result[at:at] = result[max(0, at - 8) : at]
            case 5:
                result[0:4] = rng.choice((0, 1, max(0, len(result) - 5), GREETING_LIMIT, 2**27, 2**32 - 1)).to_bytes(4)
    return bytes(result)


def with_header(rng: random.Random, body: bytes, kinds: range) -> bytes:
    return HEADER.pack(len(body), rng.choice(kinds)) + body


class Attack:
    """Hostile input for the parts of the network room, from one seed; counts what came of it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.count: Counter[str] = Counter()
        self._renew()

    def _renew(self) -> None:
        """A session in the middle of its work, with something to lose."""
        self.session = Session()
        self.session.on_connected(0)
        self.delivered = 0
        for _ in range(3):
            self.session.send(1, 0, b"kept")
            self.session.take_output()

    def stream(self) -> bytes:
        """Bytes for a FrameReader: noise, malformed frames, and frames that lie."""
        rng = self.rng
        first, ack = self.session.received + rng.choice((0, 1, 1, 1, 2)), rng.choice((0, 1, 3, 4, 2**62))
        message: Message = (rng.choice((-2, 0, 5)), rng.choice((0, 1)), rng.randbytes(rng.randrange(20)))
        match rng.randrange(8):
            case 0:
                return rng.randbytes(rng.randrange(1, 64))
            case 1:
                return with_header(rng, rng.randbytes(rng.randrange(32)), range(6))
            case 2:
                return with_header(rng, msgspec.msgpack.encode(random_value(rng)), range(1, 5))
            case 3:
                return encode_batch(max(first, 1), ack, [message] * rng.randrange(1, 4))
            case 4:
                return damaged(rng, encode_batch(max(first, 1), ack, [message] * rng.randrange(1, 4)))
            case 5:
                return damaged(rng, encode_single(max(first, 1), ack, message) + encode_ack(ack))
            case 6:
                return encode_ack(ack)
            case _:
                return damaged(rng, encode_bye("bye"))

    def attack_reader(self) -> str:
        reader = FrameReader()
        data = self.stream()
        cut = self.rng.randrange(len(data) + 1)
        try:
            found = reader.feed(data[:cut]) + reader.feed(data[cut:])
        except WireError:
            return "refused"
        finally:
            assert reader.buffered <= len(data)
        return "read" if found else "incomplete"

    def attack_session(self) -> str:
        session = self.session
        before = (session.received, session.acked, session.weight, session.phase)
        try:
            frames = FrameReader().feed(self.stream())
        except WireError:
            return "refused by the reader"
        try:
            for frame in frames:
                before = (session.received, session.acked, session.weight, session.phase)
                messages = session.receive(frame)
                self.delivered += len(messages)
        except WireError:
            assert before == (session.received, session.acked, session.weight, session.phase)
            return "refused"
        finally:
            assert session.received == self.delivered
            assert 0 <= session.acked <= session.sent
            if session.phase is not Phase.UP:
                self._renew()
        return "taken"

    def greeting(self, honest: bytes) -> bytes:
        """Instead of ``honest``: noise, a malformed greeting, a damaged one, or one of another handshake."""
        rng = self.rng
        match rng.randrange(6):
            case 0:
                return rng.randbytes(rng.randrange(1, 64))
            case 1:
                return with_header(rng, rng.randbytes(rng.randrange(64)), range(16, 23))
            case 2:
                return with_header(rng, msgspec.msgpack.encode(random_value(rng)), range(17, 22))
            case 3:
                return rng.choice(GREETINGS)
            case _:
                return damaged(rng, honest)

    def attack_handshake(self) -> str:
        """Everything is honest up to one message, and that one is not."""
        rng = self.rng
        roster = rng.choice((ROSTER, OPEN))
        step = rng.choice((0, 0, 0, 0, 1, 1, 1, 2, 3))  # later ones cost signatures
        dialling: Handshake = initiator(replace(party(N1), roster=roster), number=3)
        dialled: Handshake = responder(replace(party(N2), roster=roster), number=4)
        sides = (dialled, dialling)
        written = dialling.first()
        for honest in range(step):
            written = sides[honest % 2].receive(written)
        bad = self.greeting(written)
        if bad.startswith(written):
            return "honest, and bytes for the session"
        victim = sides[step % 2]
        try:
            victim.receive(bad)
        except WireError:
            return "refused"
        finally:
            assert not victim.done
        return "incomplete or not proven"

    def run(self, inputs: int) -> None:
        parts: list[tuple[str, Callable[[], str]]] = [
            ("reader", self.attack_reader),
            ("reader", self.attack_reader),
            ("session", self.attack_session),
            ("session", self.attack_session),
            ("handshake", self.attack_handshake),
        ]
        for number in range(inputs):
            name, attack = parts[number % len(parts)]
            self.count[f"{name}: {attack()}"] += 1


def most_memory() -> int:
    """Bytes that this process has had in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize("inputs", [10_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_hostile_inputs_are_refused_and_harm_nothing(inputs: int, say: Callable[[str], None]) -> None:
    attack = Attack(seed=inputs)
    start = time.perf_counter()
    attack.run(inputs // 10)
    before = most_memory()
    attack.run(inputs - inputs // 10)
    seconds = time.perf_counter() - start
    grown = most_memory() - before
    assert sum(attack.count.values()) == inputs
    assert grown < 32 * 2**20
    counts = ", ".join(f"{what}: {count:,}" for what, count in sorted(attack.count.items()))
    say(f"{inputs:,} hostile inputs in {seconds:.1f} s, peak memory grew by {grown:,} bytes ({counts})")


def test_a_session_carries_on_over_the_next_connection_when_one_ends_in_noise() -> None:
    rng = random.Random(7)
    a, b = Session(), Session()
    a.on_connected(0)
    b.on_connected(0)
    sent: list[Message] = []
    got: list[Message] = []
    for number in range(500):
        sent.append((1, 0, b"%d" % number))
        a.send(*sent[-1])
        data = a.take_output() + HEADER.pack(0, 0) + rng.randbytes(9)
        cut = rng.randrange(len(data))
        reader = FrameReader()
        with suppress(WireError):
            for piece in (data[:cut], data[cut:]):
                for frame in reader.feed(piece):
                    got += b.receive(frame)
        a.on_disconnected()
        b.on_disconnected()
        received = a.received
        a.on_connected(b.received)
        b.on_connected(received)
    for frame in FrameReader().feed(a.take_output()):
        got += b.receive(frame)
    assert got == sent


def feed_until_refused(feed: Callable[[bytes], object], data: bytes) -> int:
    """How many times ``data`` can be fed before a WireError."""
    for times in range(100_000):
        try:
            feed(data)
        except WireError:
            return times
    raise AssertionError("it was never refused")


def test_a_reader_keeps_no_more_than_one_frame_of_what_a_hostile_peer_sends() -> None:
    reader = FrameReader(limit=100_000)
    reader.feed(HEADER.pack(100_000, 2))
    assert feed_until_refused(reader.feed, b"\xc1" * 10) == 9_999
    assert reader.buffered == 0


def test_a_handshake_keeps_no_more_than_one_message_of_what_a_hostile_peer_sends() -> None:
    side = responder()
    side.receive(HEADER.pack(GREETING_LIMIT, 17))
    assert feed_until_refused(side.receive, b"x") == GREETING_LIMIT - 1
    assert side.receive(b"x" * 1000) == b""


def test_a_batch_of_nothing_but_messages_costs_little_more_than_its_bytes() -> None:
    (frame,) = FrameReader().feed(encode_batch(1, 0, [(0, 0, b"")] * 512))
    assert isinstance(frame, Batch)
    body = msgspec.msgpack.encode((1, 0, [(0, 0, b"")] * (BATCH_WEIGHT // 5)))
    with pytest.raises(WireError, match="length <= 512"):
        FrameReader().feed(HEADER.pack(len(body), 1) + body)
