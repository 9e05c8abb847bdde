"""Sessions: every message once and in order, whatever happens to the connections."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from distbench.errors import InternalError, MessageError, WireError
from distbench.network.frames import Ack, Batch, Bye, Message, Single, encode_ack
from distbench.network.framing import FrameReader
from distbench.network.session import (
    ACK_FRAMES,
    ACK_MESSAGES,
    BATCH_WEIGHT,
    MESSAGE_WEIGHT,
    NEXT,
    OUTPUT_BYTES,
    RESEND_WEIGHT,
    Phase,
    Session,
)
from distbench.node.port import MAX_PAYLOAD, REPLY


class Side:
    """A session, the reader of its connection, and the bytes that are on their way to it."""

    def __init__(self, limit: int = RESEND_WEIGHT) -> None:
        self.session = Session(limit)
        self.reader = FrameReader()
        self.wire = b""
        self.sent: list[Message] = []
        self.got: list[Message] = []

    def send(self, handler: int, call: int, payload: bytes) -> None:
        self.session.send(handler, call, payload)
        self.sent.append((handler, call, payload))

    def read(self, count: int) -> None:
        data, self.wire = self.wire[:count], self.wire[count:]
        for frame in self.reader.feed(data):
            self.got += self.session.receive(frame)

    def connect(self, peer_received: int) -> None:
        self.reader, self.wire = FrameReader(), b""
        self.session.on_connected(peer_received)


def output(session: Session) -> bytes:
    """All that is to be written now."""
    parts = []
    while data := session.take_output():
        parts.append(data)
    return b"".join(parts)


def exchange(a: Side, b: Side) -> None:
    """Carry everything both ways, acks included."""
    for source, target in ((a, b), (b, a), (a, b), (b, a)):
        target.wire += output(source.session)
        if source.session.owes_ack:
            target.wire += source.session.ack()
        target.read(len(target.wire))


def connected(limit: int = RESEND_WEIGHT) -> tuple[Side, Side]:
    a, b = Side(limit), Side(limit)
    a.connect(0)
    b.connect(0)
    return a, b


sides = st.sampled_from((0, 1))
LIMIT = 4 * BATCH_WEIGHT


class TwoSessions(RuleBasedStateMachine):
    """Any interleaving of sends, writes, reads and resets; the model is that what was sent arrives."""

    @initialize()
    def start(self) -> None:
        self.sides = connected(LIMIT)

    @rule(side=sides, count=st.integers(1, 5), size=st.sampled_from((0, 1, 50, 1000)))
    def send_small(self, side: int, count: int, size: int) -> None:
        for _ in range(count):
            self.sides[side].send(3, 0, (b"%d" % len(self.sides[side].sent)).ljust(size, b"."))

    @rule(side=sides, size=st.sampled_from((BATCH_WEIGHT - 200, BATCH_WEIGHT - 1, BATCH_WEIGHT, BATCH_WEIGHT + 1)))
    def send_large(self, side: int, size: int) -> None:
        sender = self.sides[side]
        if not sender.session.full:
            sender.send(REPLY, len(sender.sent), b"%d" % len(sender.sent) + bytes(size))

    @rule(side=sides)
    def write(self, side: int) -> None:
        self.sides[1 - side].wire += self.sides[side].session.take_output()

    @rule(side=sides)
    def write_ack(self, side: int) -> None:
        if self.sides[side].session.owes_ack:
            self.sides[1 - side].wire += self.sides[side].session.ack()

    @rule(side=sides, part=st.floats(0, 1))
    def read(self, side: int, part: float) -> None:
        reader = self.sides[side]
        reader.read(round(len(reader.wire) * part))

    @rule(part=st.floats(0, 1), late=st.floats(0, 1), dialler=sides, noticed=st.booleans(), more=st.booleans())
    def reset(self, part: float, late: float, dialler: int, noticed: bool, more: bool) -> None:
        """Some of what is on its way still arrives, the rest is lost; each side notices in its own time."""
        initiator, responder = self.sides[dialler], self.sides[1 - dialler]
        initiator.read(round(len(initiator.wire) * part))
        initiator.session.on_disconnected()
        told = initiator.session.received
        responder.read(round(len(responder.wire) * late))
        if noticed:
            responder.session.on_disconnected()
            if more:
                responder.send(5, 0, b"while down")
                assert responder.session.take_output() == b""
        elif more:
            responder.session.take_output()  # into the dead connection
        received = responder.session.received
        responder.connect(told)
        initiator.connect(received)

    @rule(first_try=st.integers(0, 3))
    def fail_to_reset(self, first_try: int) -> None:
        """Handshakes that come to nothing change nothing."""
        for side in self.sides:
            side.session.on_disconnected()
        a, b = self.sides
        for _ in range(first_try):  # b's side is done, its last message never reaches a
            b.connect(a.session.received)
            b.session.take_output()
            b.session.on_disconnected()
        b.connect(a.session.received)
        a.connect(b.session.received)

    @precondition(lambda self: hasattr(self, "sides"))
    @invariant()
    def what_arrived_is_what_was_sent(self) -> None:
        for source, target in (self.sides, self.sides[::-1]):
            assert target.got == source.sent[: len(target.got)]
            assert target.session.received == len(target.got)
            assert source.session.sent == len(source.sent)
            assert source.session.acked <= target.session.received <= source.session.sent

    @precondition(lambda self: hasattr(self, "sides"))
    @invariant()
    def a_session_knows_what_it_keeps(self) -> None:
        for side in self.sides:
            kept = [len(payload) + MESSAGE_WEIGHT for _, _, payload in side.sent[side.session.acked :]]
            # A frame is let go as a whole, and acks end where frames end.
            assert side.session.weight == sum(kept)
            if side.session.weight >= LIMIT + BATCH_WEIGHT:
                assert side.session.full
            if side.session.weight <= LIMIT // 2:
                assert not side.session.full

    def teardown(self) -> None:
        if not hasattr(self, "sides"):
            return
        a, b = self.sides
        exchange(a, b)
        exchange(a, b)
        assert b.got == a.sent
        assert a.got == b.sent
        for side in self.sides:
            assert side.session.weight == 0
            assert not side.session.full
            assert not side.session.owes_ack


@pytest.mark.parametrize("examples", [40, pytest.param(300, marks=pytest.mark.slow)])
def test_two_sessions_lose_repeat_and_reorder_nothing(examples: int) -> None:
    run_state_machine_as_test(
        TwoSessions, settings=settings(max_examples=examples, stateful_step_count=40, deadline=None)
    )


@pytest.mark.parametrize("cut_there, cut_back", [(i, j) for i in range(0, 240, 7) for j in range(0, 30, 3)])
def test_a_reset_at_any_byte_loses_repeats_and_reorders_nothing(cut_there: int, cut_back: int) -> None:
    a, b = connected()
    for i in range(6):
        a.send(1, 0, b"message %d" % i)
        b.wire += a.session.take_output()
    b.read(cut_there)
    b.send(2, 0, b"back")
    a.wire += b.session.take_output() + b.session.ack()
    a.read(cut_back)
    for side in (a, b):
        side.session.on_disconnected()
    a.send(1, 0, b"while down")
    received = a.session.received
    a.connect(b.session.received)
    b.connect(received)
    exchange(a, b)
    assert b.got == a.sent
    assert a.got == b.sent


def test_messages_of_a_turn_leave_as_one_frame_and_acks_travel_with_them() -> None:
    a, b = connected()
    for i in range(100):
        a.send(1, 0, b"%d" % i)
    b.wire = a.session.take_output()
    assert a.session.take_output() == b""
    (frame,) = FrameReader().feed(b.wire)
    assert isinstance(frame, Batch)
    assert len(frame.messages) == 100
    b.read(len(b.wire))
    assert b.session.owes_ack
    assert not b.session.ack_due
    b.send(REPLY, 1, b"")
    (reply,) = FrameReader().feed(b.session.take_output())
    assert isinstance(reply, Batch)
    assert reply.ack == 100
    assert not b.session.owes_ack


def test_a_full_batch_asks_to_be_written_and_a_large_message_goes_alone() -> None:
    session = Session()
    session.on_connected(0)
    asked = [session.send(1, 0, b"x" * 50) for _ in range(BATCH_WEIGHT // (50 + MESSAGE_WEIGHT) + 1)]
    assert asked == [False] * (len(asked) - 1) + [True]
    assert session.send(1, 0, bytes(10)) is False
    assert session.send(1, 0, bytes(BATCH_WEIGHT)) is True
    frames = FrameReader().feed(output(session))
    assert [type(frame) for frame in frames] == [Batch, Batch, Single]
    assert session.sent == len(asked) + 2


def test_a_message_over_the_limit_is_an_error_at_the_sender_and_harms_nothing() -> None:
    a, b = connected()
    a.send(1, 0, b"before")
    with pytest.raises(MessageError, match=r"67,108,865 bytes: a link carries at most 67,108,864"):
        a.session.send(1, 0, bytes(MAX_PAYLOAD + 1))
    a.send(1, 0, b"after")
    exchange(a, b)
    assert b.got == a.sent
    assert a.session.weight == 0


def test_a_sender_must_wait_when_the_peer_takes_nothing_and_goes_on_when_it_does() -> None:
    a, b = connected()
    pieces = []
    while not a.session.full:
        a.send(1, 0, bytes(1000))
        pieces.append(output(a.session))
    b.wire = b"".join(pieces)
    assert RESEND_WEIGHT <= a.session.weight < RESEND_WEIGHT + BATCH_WEIGHT
    b.read(len(b.wire))
    assert a.session.full
    a.wire = b.session.ack()
    a.read(len(a.wire))
    assert not a.session.full
    assert a.session.weight == 0


def test_a_sender_that_looks_keeps_a_bounded_amount_while_there_is_no_connection() -> None:
    session = Session()
    for size in (0, 100, 5000, BATCH_WEIGHT - MESSAGE_WEIGHT - 1, BATCH_WEIGHT * 3) * 10_000:
        if not session.full:
            session.send(1, 0, bytes(size))
    assert session.full
    assert session.weight <= RESEND_WEIGHT + BATCH_WEIGHT + BATCH_WEIGHT * 3 + MESSAGE_WEIGHT


def test_empty_messages_are_bounded_in_number() -> None:
    session = Session()
    while not session.full:
        session.send(1, 0, b"")
    assert session.sent <= RESEND_WEIGHT // MESSAGE_WEIGHT + BATCH_WEIGHT // MESSAGE_WEIGHT


def test_replies_pass_a_full_session_and_count() -> None:
    session = Session(limit=BATCH_WEIGHT)
    while not session.full:
        session.send(1, 0, b"request")
    before = session.weight
    session.send(REPLY, 1, b"reply")
    assert session.weight == before + MESSAGE_WEIGHT + 5
    assert not session.overrun


def test_output_comes_in_bounded_pieces() -> None:
    session = Session()
    for _ in range(40):
        session.send(1, 0, bytes(BATCH_WEIGHT))
    session.on_connected(0)
    pieces = []
    while piece := session.take_output():
        pieces.append(len(piece))
    assert len(pieces) > 5
    assert max(pieces) < OUTPUT_BYTES + BATCH_WEIGHT + 100


@pytest.mark.parametrize("per_frame, frames", [(1, ACK_FRAMES), (500, -(-ACK_MESSAGES // 500))])
def test_an_ack_is_due_after_some_frames_or_messages(per_frame: int, frames: int) -> None:
    session = Session()
    session.on_connected(0)
    for i in range(frames):
        assert not session.ack_due
        assert session.take_output() == b""
        session.receive(Batch(1 + i * per_frame, 0, [(1, 0, b"")] * per_frame))
    assert session.ack_due
    assert session.take_output() == encode_ack(frames * per_frame)
    assert not session.ack_due
    assert session.take_output() == b""


def test_a_large_message_is_acknowledged_at_once() -> None:
    session = Session()
    session.on_connected(0)
    session.receive(Single(1, 0, ((1, 0, b"large"),)))
    assert session.take_output() == encode_ack(1)


def test_an_ack_for_what_was_never_written_is_refused() -> None:
    session = Session()
    session.on_connected(0)
    session.send(1, 0, b"")
    for frame in (Ack(1), Batch(1, 1, [(0, 0, b"")]), Single(1, 1, ((0, 0, b""),))):
        with pytest.raises(WireError, match="acknowledges message 1; only 0 were written"):
            session.receive(frame)
    while not session.send(1, 0, b""):
        pass
    with pytest.raises(WireError, match="only 0 were written"):  # in a frame, but not written
        session.receive(Ack(1))
    assert session.received == 0
    session.take_output()
    session.receive(Ack(2))
    session.receive(Ack(1))  # late, and says nothing new
    assert session.acked == 2


def test_an_ack_may_be_for_what_was_written_on_an_earlier_connection() -> None:
    session = Session()
    session.on_connected(0)
    for _ in range(10):
        session.send(1, 0, bytes(BATCH_WEIGHT))
    assert output(session)
    session.on_disconnected()
    session.on_connected(0)
    session.take_output()
    session.receive(Ack(10))
    assert session.weight == 0
    assert session.take_output() == b""


def test_an_ack_that_may_be_lost_is_told_again_on_the_next_connection() -> None:
    session = Session()
    session.on_connected(0)
    session.receive(Batch(1, 0, [(1, 0, b"")]))
    session.ack()
    assert not session.owes_ack
    session.on_disconnected()
    session.on_connected(0)
    assert session.owes_ack


def test_a_gap_in_the_numbers_is_refused_and_changes_nothing() -> None:
    session = Session()
    session.on_connected(0)
    session.send(1, 0, b"kept")
    session.take_output()
    with pytest.raises(WireError, match="message 2 arrived after message 0"):
        session.receive(Batch(2, 1, [(0, 0, b"")]))
    assert (session.received, session.acked, session.owes_ack) == (0, 0, False)
    assert session.receive(Batch(1, 1, [(0, 0, b"one")])) == [(0, 0, b"one")]
    assert session.acked == 1


def test_what_arrives_twice_is_dropped_half_a_frame_too() -> None:
    session = Session()
    session.on_connected(0)
    one, two, three, four = [(i, 0, b"") for i in range(1, 5)]
    assert session.receive(Batch(1, 0, [one, two])) == [one, two]
    assert session.receive(Batch(1, 0, [one, two])) == ()
    assert session.receive(Batch(1, 0, [one])) == ()
    assert session.receive(Batch(2, 0, [two, three])) == [three]
    assert session.receive(Single(3, 0, (three,))) == ()
    assert session.receive(Single(4, 0, (four,))) == (four,)
    assert session.received == 4


def test_a_peer_cannot_have_received_more_than_was_written_or_less_than_it_acknowledged() -> None:
    session = Session()
    for wrong in (1, -1):
        with pytest.raises(WireError):
            session.on_connected(wrong)
    assert session.phase is Phase.DOWN
    session.on_connected(0)
    for _ in range(3):
        session.send(1, 0, b"")
        session.take_output()
    session.receive(Ack(2))
    session.on_disconnected()
    for wrong in (1, 4):
        with pytest.raises(WireError, match=f"received {wrong} messages; it had acknowledged 2, and 3 were written"):
            session.on_connected(wrong)
    session.on_connected(2)
    (frame,) = FrameReader().feed(session.take_output())
    assert isinstance(frame, Batch)
    assert frame.first == 3


def test_a_newer_connection_takes_over_and_a_false_one_does_not() -> None:
    a, b = connected()
    a.send(1, 0, b"lost")
    a.session.take_output()
    with pytest.raises(WireError):
        a.session.on_connected(7)
    assert a.session.phase is Phase.UP
    a.connect(0)
    b.connect(0)
    exchange(a, b)
    assert b.got == a.sent


def test_a_bye_ends_the_session_for_both_after_all_that_was_sent() -> None:
    a, b = connected()
    a.send(1, 0, b"last words")
    b.wire = output(a.session) + a.session.bye("the run is over")
    crossing = Batch(1, 0, [(1, 0, b"crossing")])
    assert a.session.receive(crossing) == ()
    b.read(len(b.wire))
    assert b.got == a.sent
    assert (b.session.phase, b.session.farewell) == (Phase.CLOSED, "the run is over")
    with pytest.raises(WireError, match="closed"):
        b.session.receive(Ack(0))
    assert a.session.receive(Bye("likewise")) == ()
    assert a.session.phase is Phase.CLOSED
    for side in (a, b):
        side.session.on_disconnected()
        with pytest.raises(InternalError, match="closed cannot be connected"):
            side.session.on_connected(0)


def test_a_session_that_is_over_keeps_nothing_and_lets_nobody_wait() -> None:
    session = Session()
    session.on_connected(0)
    while not session.full:
        session.send(1, 0, b"x" * 100)
    session.bye("cut off")
    assert not session.full
    for _ in range(100_000):
        session.send(1, 0, b"x" * 100)
    assert not session.full
    assert session.weight < BATCH_WEIGHT
    assert session.take_output() == b""
    assert session.sent > 100_000


def test_frames_without_a_connection_and_signals_out_of_order_are_refused() -> None:
    session = Session()
    with pytest.raises(WireError, match="while the session is down"):
        session.receive(Ack(0))
    with pytest.raises(InternalError, match="down cannot be disconnected"):
        session.on_disconnected()
    session.bye("")
    with pytest.raises(InternalError, match="closed cannot be said bye"):
        session.bye("")


def test_a_session_without_connection_that_is_given_up_keeps_nothing() -> None:
    session = Session(LIMIT)
    while not session.full:
        session.send(1, 0, b"x" * 1000)
    session.bye("nobody hears it")
    assert session.phase is Phase.CLOSED
    assert not session.full
    for _ in range(10_000):
        session.send(1, 0, b"x" * 1000)
    assert session.weight < BATCH_WEIGHT


def test_the_table_in_the_docs_is_the_one_in_the_code() -> None:
    import distbench.network.session as module

    rows = [line.split()[:3] for line in (module.__doc__ or "").splitlines() if line.startswith("    ")][1:]
    assert [tuple(row) for row in rows] == [(p.name, s.name, n.name) for (p, s), n in NEXT.items()]
