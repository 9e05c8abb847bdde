"""``--latency`` over sockets: order, backpressure, and no message lost on the way."""

from __future__ import annotations

import asyncio
import contextvars
import random
import time

import pytest

from distbench.errors import MessageError
from distbench.network.delay import Delay, drawn_delay
from distbench.network.session import BATCH_WEIGHT, MESSAGE_WEIGHT, RESEND_WEIGHT
from distbench.node.activity import NodeLoop
from distbench.node.current import current_node
from distbench.node.port import FINISHED, MAX_PAYLOAD, REPLY
from tests.network.ends import on_loop, pair, transport_of
from tests.network.greeters import N1, N2

MILLISECOND = 1_000_000


def between(low: float, high: float) -> Delay:
    """A latency in milliseconds."""
    rng = random.Random(3)
    spread = round((high - low) * MILLISECOND)
    return drawn_delay(round(low * MILLISECOND), lambda: [rng.randint(0, spread) for _ in range(100)])


def test_delayed_messages_keep_their_order_and_are_held_at_least_their_time() -> None:
    async def main() -> None:
        async with pair(delay=between(10, 30)) as (one, two):
            link = one.link(N2)
            began = time.monotonic()
            for number in range(3000):
                assert link.send(1, 0, b"%d" % number) is None
            assert (link.queue.held, link.session.sent, link.queue.given) == (3000, 0, 3000)
            await two.until(lambda: two.got)
            assert time.monotonic() - began >= 0.01
            await two.until(lambda: two.has(3000))
            assert [int(payload) for _, _, payload in two.got] == list(range(3000))
            assert (link.queue.held, link.session.sent, link.queue.given) == (0, 3000, 3000)

    on_loop(main)


def test_what_is_kept_is_bounded_and_senders_wait() -> None:
    async def main() -> None:
        async with pair(delay=between(20, 20)) as (one, two):
            link = one.link(N2)
            most, number = 0, 0
            while number < 20_000:
                waits = link.send(1, 0, b"%d" % number + bytes(1000))
                number += 1
                most = max(most, link.queue.weight)
                if waits is not None:
                    assert link.send(REPLY, 1, b"") is None  # replies do not wait
                    await waits
            assert RESEND_WEIGHT <= most <= RESEND_WEIGHT + 2 * (1100 + MESSAGE_WEIGHT)
            await two.until(lambda: sum(handler == 1 for handler, _, _ in two.got) == number)
            assert [int(p[:-1000]) for handler, _, p in two.got if handler == 1] == list(range(number))

    on_loop(main)


def test_a_peer_that_takes_nothing_fills_the_link_and_no_cast_is_forgotten() -> None:
    async def main() -> None:
        async with pair(link_limit=0.5, delay=between(1, 2)) as (one, two):
            link = one.link(N2)
            transport_of(two, N1).pause_reading()
            sent = most = 0
            while not one.gone:
                waits = link.send(1, 0, bytes(50_000))
                sent += 1
                most = max(most, link.queue.weight)
                await (asyncio.sleep(0) if waits is None else asyncio.wait((waits,)))
            assert RESEND_WEIGHT <= most <= RESEND_WEIGHT + BATCH_WEIGHT + 51_000
            assert link.session.sent + one.unsent == sent
            assert link.send(1, 0, b"nowhere") is None
            assert (link.queue.held, link.queue.waiting, link.queue.blocked) == (0, 0, False)
            transport_of(two, N1).resume_reading()

    on_loop(main)


def test_what_is_held_when_a_peer_goes_is_counted_by_its_casts() -> None:
    async def main() -> None:
        async with pair(delay=lambda: 1000.0) as (one, _):
            for number in range(12):
                one.link(N2).send(REPLY if number < 2 else 1, number % 3, b"held")
            one.junction.cut(N2, "is gone")
            assert one.unsent == 3  # of the others two are replies, and those who called hear that the peer is down

    on_loop(main)


def test_a_peer_is_not_blamed_for_what_is_held() -> None:
    async def main() -> None:
        async with pair(delay=lambda: 1000.0) as (one, _):
            link = one.link(N2)
            while (waits := link.send(1, 0, bytes(50_000))) is None:
                pass
            now = asyncio.get_running_loop().time()
            assert not any(link.overdue(now + 100 * beat) for beat in range(10))
            waits.cancel()

    on_loop(main)


def test_a_word_that_is_no_message_is_not_held() -> None:
    async def main() -> None:
        async with pair(delay=lambda: 1000.0) as (one, two):
            one.link(N2).send(FINISHED, 1, b"")
            await two.until(lambda: two.has(1))

    on_loop(main)


def test_a_payload_beyond_the_limit_is_refused_before_it_is_held() -> None:
    async def main() -> None:
        async with pair(delay=between(1, 2)) as (one, _):
            with pytest.raises(MessageError, match="at most"):
                one.link(N2).send(1, 0, bytes(MAX_PAYLOAD + 1))
            assert one.link(N2).queue.held == 0

    on_loop(main)


def test_replies_that_were_held_and_are_not_taken_count_as_much_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distbench.network.session.OVERRUN_WEIGHT", 8 * 2**20)

    async def main() -> None:
        async with pair(delay=between(0, 1)) as (one, two):
            transport_of(two, N1).pause_reading()
            for _ in range(1000):
                one.link(N2).send(REPLY, 1, b"x" * 20_000)
            await one.until(lambda: one.gone)
            assert one.gone == {N2: "was cut off: it asked and did not take the answers"}
            transport_of(two, N1).resume_reading()

    on_loop(main)


def test_held_messages_are_no_timers_of_the_algorithm() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NodeLoop)
        async with pair(delay=between(1, 2)) as (one, two):
            link = one.link(N2)
            handler = contextvars.copy_context()
            handler.run(current_node.set, "a node")  # type: ignore[arg-type]
            for _ in range(100):
                handler.run(link.send, 1, 0, b"from a handler")
                assert loop.timers == 0
            await two.until(lambda: two.has(100))
            assert loop.activity == 0

    on_loop(main, NodeLoop)
