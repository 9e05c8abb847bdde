"""``--latency`` over sockets: order, backpressure, and no message lost on the way."""

from __future__ import annotations

import asyncio
import contextvars
import random
import time

import pytest

from distbench.errors import MessageError
from distbench.network.delay import HELD_WEIGHT, DelayedLink
from distbench.network.session import MESSAGE_WEIGHT
from distbench.node.activity import NodeLoop
from distbench.node.current import current_node
from distbench.node.port import MAX_PAYLOAD, REPLY
from tests.network.ends import End, on_loop, pair, transport_of
from tests.network.greeters import N1, N2

MILLISECOND = 1_000_000


def delayed(end: End, low: float, high: float) -> DelayedLink:
    """n1's link to n2 with this latency in milliseconds."""
    rng = random.Random(3)
    spread = round((high - low) * MILLISECOND)
    link = end.link(N2)
    return DelayedLink(
        end.junction, link, round(low * MILLISECOND), lambda: [rng.randint(0, spread) for _ in range(100)]
    )


def test_delayed_messages_keep_their_order_and_are_held_at_least_their_time() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            link = delayed(one, 10, 30)
            began = time.monotonic()
            for number in range(3000):
                assert link.send(1, 0, b"%d" % number) is None
            assert link.held == 3000
            await two.until(lambda: two.got)
            assert time.monotonic() - began >= 0.01
            await two.until(lambda: two.has(3000))
            assert [int(payload) for _, _, payload in two.got] == list(range(3000))
            assert (link.held, link.weight) == (0, 0)

    on_loop(main)


def test_what_is_held_is_bounded_and_senders_wait() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            link = delayed(one, 20, 20)
            most, number = 0, 0
            while number < 20_000:
                waits = link.send(1, 0, b"%d" % number + bytes(1000))
                number += 1
                most = max(most, link.weight)
                if waits is not None:
                    assert link.send(REPLY, 1, b"") is None  # replies do not wait
                    await waits
            assert most <= HELD_WEIGHT + 2 * (1100 + MESSAGE_WEIGHT)
            await two.until(lambda: sum(handler == 1 for handler, _, _ in two.got) == number)
            assert [int(p[:-1000]) for handler, _, p in two.got if handler == 1] == list(range(number))

    on_loop(main)


def test_a_peer_that_takes_nothing_fills_the_link_and_what_is_held_and_no_cast_is_forgotten() -> None:
    async def main() -> None:
        async with pair(link_limit=0.5) as (one, two):
            link = delayed(one, 1, 2)
            one.give_up = link.close
            transport_of(two, N1).pause_reading()
            sent = most = 0
            while not one.gone:
                waits = link.send(1, 0, bytes(50_000))
                sent += 1
                most = max(most, link.weight)
                await (asyncio.sleep(0) if waits is None else waits)
            assert HELD_WEIGHT <= most <= HELD_WEIGHT + 51_000
            assert one.link(N2).session.sent + one.unsent == sent
            assert link.send(1, 0, b"nowhere") is None
            assert (link.held, link.weight) == (0, 0)
            transport_of(two, N1).resume_reading()

    on_loop(main)


def test_a_link_that_stood_still_goes_on_with_what_was_held() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            link = delayed(one, 1, 2)
            transport_of(two, N1).pause_reading()
            sent = 0
            while not one.link(N2).blocked:
                waits = link.send(1, 0, b"%d." % sent + bytes(50_000))
                sent += 1
                if waits is not None:
                    break
                await asyncio.sleep(0)
            transport_of(two, N1).resume_reading()
            await two.until(lambda: two.has(sent))
            assert [int(payload.partition(b".")[0]) for _, _, payload in two.got] == list(range(sent))

    on_loop(main)


def test_a_payload_beyond_the_limit_is_refused_before_it_is_held() -> None:
    async def main() -> None:
        async with pair() as (one, _):
            link = delayed(one, 1, 2)
            with pytest.raises(MessageError, match="at most"):
                link.send(1, 0, bytes(MAX_PAYLOAD + 1))
            assert link.held == 0

    on_loop(main)


def test_held_messages_are_no_timers_of_the_algorithm() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NodeLoop)
        async with pair() as (one, two):
            link = delayed(one, 1, 2)
            handler = contextvars.copy_context()
            handler.run(current_node.set, "a node")  # type: ignore[arg-type]
            for _ in range(100):
                handler.run(link.send, 1, 0, b"from a handler")
                assert loop.timers == 0
            await two.until(lambda: two.has(100))
            assert loop.activity == 0

    on_loop(main, NodeLoop)
