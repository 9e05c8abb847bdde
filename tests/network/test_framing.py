"""Frames: the same however the stream is split, and nothing that is malformed or too long gets in."""

from __future__ import annotations

import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distbench.errors import WireError
from distbench.network.frames import (
    BATCH_LIMIT,
    BATCH_MESSAGES,
    HEADER,
    SINGLE_LIMIT,
    Ack,
    Batch,
    Bye,
    Frame,
    Single,
    encode_ack,
    encode_batch,
    encode_bye,
    encode_single,
)
from distbench.network.framing import FrameReader
from distbench.network.session import BATCH_WEIGHT, MESSAGE_WEIGHT, Session
from distbench.node.port import FINISHED, MAX_PAYLOAD, REPLY

numbers = st.integers(0, 2**63 - 1)
firsts = st.integers(1, 2**62)
messages = st.tuples(st.integers(FINISHED, 2**31 - 1), numbers, st.binary(max_size=300))
batches = st.builds(Batch, firsts, numbers, st.lists(messages, min_size=1, max_size=5))
singles = st.builds(Single, firsts, numbers, st.tuples(messages))
byes = st.builds(Bye, st.text(max_size=200))
frames = st.one_of(batches, singles, st.builds(Ack, numbers), byes)


def encode(frame: Frame) -> bytes:
    match frame:
        case Batch():
            return encode_batch(frame.first, frame.ack, frame.messages)
        case Single():
            return encode_single(frame.first, frame.ack, frame.messages[0])
        case Ack():
            return encode_ack(frame.ack)
        case Bye():
            return encode_bye(frame.reason)


def raw(kind: int, body: object) -> bytes:
    data = msgspec.msgpack.encode(body)
    return HEADER.pack(len(data), kind) + data


@given(st.lists(frames, max_size=6), st.data())
def test_the_frames_are_the_same_however_the_stream_is_split(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode(frame) for frame in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = FrameReader()
    got: list[Frame] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += reader.feed(stream[start:stop])
    assert got == sent
    assert reader.buffered == 0


def test_a_stream_may_come_byte_by_byte() -> None:
    sent: list[Frame] = [
        Batch(1, 0, [(3, 0, b"a"), (REPLY, 7, b"")]),
        Ack(2),
        Single(3, 1, ((0, 0, b"b" * 1000),)),
        Bye("x"),
    ]
    reader = FrameReader()
    got = [frame for byte in b"".join(map(encode, sent)) for frame in reader.feed(bytes([byte]))]
    assert got == sent


def test_the_largest_message_passes_in_small_pieces_without_being_copied_for_each() -> None:
    payload = bytes(MAX_PAYLOAD)
    stream = encode_single(1, 0, (0, 0, payload))
    reader = FrameReader()
    got: list[Frame] = []
    tracemalloc.start()
    try:
        # A reader that joined what it has for every piece would copy 34 GB here.
        for start in range(0, len(stream), 64 * 1024):
            got += reader.feed(stream[start : start + 64 * 1024])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert got == [Single(1, 0, ((0, 0, payload),))]
    assert peak < 2.5 * MAX_PAYLOAD  # the buffer with its slack, and the payload


@pytest.mark.parametrize(
    "kind, limit", [(1, BATCH_LIMIT), (2, SINGLE_LIMIT), (3, 16), (4, 1024)], ids=["batch", "single", "ack", "bye"]
)
def test_a_frame_over_its_limit_is_refused_by_its_header(kind: int, limit: int) -> None:
    assert FrameReader().feed(HEADER.pack(limit, kind)) == []
    reader = FrameReader()
    with pytest.raises(WireError, match=f"{limit + 1} bytes, at most {limit} are allowed"):
        reader.feed(HEADER.pack(limit + 1, kind))
    assert reader.buffered == 0


def test_a_reader_may_be_given_a_lower_limit() -> None:
    with pytest.raises(WireError, match="at most 100"):
        FrameReader(limit=100).feed(HEADER.pack(101, 2))


@pytest.mark.parametrize("kind", [0, 5, 17, 255])
def test_an_unknown_kind_is_refused(kind: int) -> None:
    with pytest.raises(WireError, match=f"unknown kind {kind}"):
        FrameReader().feed(HEADER.pack(1, kind))


@pytest.mark.parametrize(
    "kind, body",
    [
        (1, [0, 0, [[0, 0, b""]]]),
        (1, [2**62 + 1, 0, [[0, 0, b""]]]),
        (1, [1, -1, [[0, 0, b""]]]),
        (1, [1, 2**63, [[0, 0, b""]]]),
        (1, [1, 0, []]),
        (1, [1, 0, [[0, 0, b""]] * (BATCH_MESSAGES + 1)]),
        (1, [1, 0, [[-4, 0, b""]]]),
        (1, [1, 0, [[2**31, 0, b""]]]),
        (1, [1, 0, [[0, -1, b""]]]),
        (1, [1, 0, [[0, 0, "text"]]]),
        (1, [1, 0, [[0, 0, None]]]),
        (1, [1, 0, [[0, 0]]]),
        (1, [1, 0, [[0, 0, b"", 0]]]),
        (1, [1, 0, [[True, 0, b""]]]),
        (1, [1.0, 0, [[0, 0, b""]]]),
        (1, [1, 0, [[0, 0, b""]], 0]),
        (1, [1, 0]),
        (1, {"first": 1, "ack": 0, "messages": []}),
        (2, [1, 0, []]),
        (2, [1, 0, [[0, 0, b""], [0, 0, b""]]]),
        (3, []),
        (3, [1, 1]),
        (3, 1),
        (3, ["1"]),
        (4, [b"reason"]),
        (4, ["x" * 201]),
    ],
)
def test_a_malformed_body_is_refused_and_ends_the_stream(kind: int, body: object) -> None:
    reader = FrameReader()
    with pytest.raises(WireError, match=f"malformed frame of kind {kind}"):
        reader.feed(raw(kind, body))
    with pytest.raises(WireError, match=f"malformed frame of kind {kind}"):
        reader.feed(encode_ack(1))


@pytest.mark.parametrize(
    "kind, body",
    [
        (1, b""),
        (1, b"\x93\x01\x00\xdd\xff\xff\xff\xff"),  # an array that says it has 2**32 - 1 members
        (2, b"\x93\x01\x00\x91\x93\x00\x00\xc6\xff\xff\xff\xff"),  # a payload that says it has as many bytes
        (3, b"\x91\x01\x01"),  # more than one value
        (3, b"\x91" * 16),
        (4, b"\x91\xa2\xff\xfe"),  # no UTF-8
        (4, b"\x92\xa1x" + b"\x91" * 1000),  # deep nesting
    ],
)
def test_a_body_that_lies_about_its_size_costs_no_memory(kind: int, body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            FrameReader().feed(HEADER.pack(len(body), kind) + body)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "sizes", [[0] * (BATCH_MESSAGES - 1) + [BATCH_WEIGHT - 1], [BATCH_WEIGHT - MESSAGE_WEIGHT - 1, BATCH_WEIGHT - 1]]
)
def test_the_fullest_batch_that_a_session_makes_passes(sizes: list[int]) -> None:
    session = Session()
    for size in sizes:
        session.send(2**31 - 1, 2**63 - 1, bytes(size))
    session.on_connected(0)
    (batch,) = FrameReader().feed(session.take_output())
    assert isinstance(batch, Batch)
    assert [len(payload) for _, _, payload in batch.messages] == sizes


def test_a_long_farewell_is_cut() -> None:
    (frame,) = FrameReader().feed(encode_bye("é\ud800" * 500))
    assert isinstance(frame, Bye)
    assert frame.reason == "é?" * 100
