"""The queue of a link alone: no loop runs, and the time is a number."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from distbench.network.sendqueue import SendQueue
from distbench.network.session import MESSAGE_WEIGHT, RESEND_WEIGHT
from distbench.node.port import REPLY

HALF = RESEND_WEIGHT // 2 - MESSAGE_WEIGHT


@pytest.fixture
def queue() -> Iterator[SendQueue]:
    loop = asyncio.new_event_loop()
    yield SendQueue(loop.create_future)
    loop.close()


def test_what_is_held_and_what_is_numbered_fill_a_link_together(queue: SendQueue) -> None:
    queue.hold(1.0, (1, 0, bytes(HALF)))
    queue.hold(2.0, (1, 0, bytes(HALF - 1)))
    assert not queue.full
    queue.release(1.0)
    assert (queue.held, queue.session.sent, queue.full, queue.due) == (1, 1, False, 2.0)
    queue.hold(0.0, (1, 0, b""))
    assert queue.full
    queue.release(1.9)
    assert (queue.held, queue.session.sent) == (2, 1)  # what is due sooner does not overtake
    queue.release(2.0)
    assert (queue.held, queue.session.sent, queue.full, queue.due) == (0, 3, True, None)


def test_a_room_says_whether_its_message_was_taken(queue: SendQueue) -> None:
    first, second, third = (queue.wait((1, 0, b"%d" % number)) for number in range(3))
    second.cancel()
    assert (queue.waiting, queue.given) == (2, 2)
    assert queue.admit() == (1, 0, b"0")
    assert (first.done(), first.cancelled(), third.done()) == (True, False, False)
    assert not first.cancel()
    assert queue.blocked
    assert queue.admit() == (1, 0, b"2")
    assert queue.admit() is None
    assert not queue.blocked


def test_nobody_is_admitted_to_a_full_link(queue: SendQueue) -> None:
    queue.hold(1.0, (1, 0, bytes(RESEND_WEIGHT)))
    room = queue.wait((1, 0, b"waits"))
    assert queue.admit() is None
    assert queue.blocked
    assert not room.done()


def test_the_end_lets_everybody_go_and_counts_the_casts(queue: SendQueue) -> None:
    for message in ((1, 0, b"cast"), (1, 7, b"request"), (REPLY, 0, b"")):
        queue.hold(1.0, message)
    rooms = [queue.wait((1, call, b"")) for call in (0, 0, 0, 8)]
    rooms[0].cancel()
    assert queue.end() == 3
    assert all(room.cancelled() for room in rooms)  # none of their messages was sent
    assert (queue.held, queue.waiting, queue.weight, queue.blocked, queue.due) == (0, 0, 0, False, None)


def test_senders_that_gave_up_do_not_pile_up(queue: SendQueue) -> None:
    for number in range(20_000):
        room = queue.wait((1, 0, b""))
        if number % 100:
            room.cancel()
    assert queue.waiting == 200
    assert len(queue._senders._waiting) <= 1000
