"""Links over real sockets: order, backpressure, reconnection, goodbyes, the passing of time."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import random
import socket
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from distbench.community import PeerId
from distbench.errors import MessageError
from distbench.network import connection, link, tcp
from distbench.network.frames import Message, encode_bye, encode_single
from distbench.network.handshake import Initiator
from distbench.network.session import MESSAGE_WEIGHT, OUTPUT_BYTES, RESEND_WEIGHT
from distbench.node.activity import NodeLoop
from distbench.node.current import current_node
from distbench.node.port import MAX_PAYLOAD, REPLY
from tests.network.ends import LOOPS, End, as_n1, closing, on_loop, pair, raw, serving, transport_of
from tests.network.greeters import N1, N2, N3
from tests.network.proxy import Proxy


def numbered(count: int, start: int = 0) -> list[Message]:
    return [(1, 0, b"%d" % number) for number in range(start, start + count)]


async def send_all(end: End, peer: PeerId, messages: list[Message]) -> None:
    for message in messages:
        room = end.link(peer).send(*message)
        if room is not None:
            await room


async def fill(end: End, peer: PeerId, size: int = 50_000) -> int:
    """Send until the link is full; how many messages that took."""
    count = 0
    while not end.link(peer).session.full:
        assert end.link(peer).send(1, 0, b"x" * size) is None
        count += 1
        await asyncio.sleep(0)
    return count


@pytest.mark.parametrize("loop", LOOPS)
def test_messages_arrive_once_and_in_order_both_ways(loop: Callable[[], Any]) -> None:
    async def main() -> None:
        async with pair() as (one, two):
            there, back = numbered(20_000), [(2, 7, b"y" * (number % 5000)) for number in range(3000)]
            await asyncio.gather(send_all(one, N2, there), send_all(two, N1, back))
            await two.until(lambda: len(two.got) == len(there))
            await one.until(lambda: len(one.got) == len(back))
            assert two.got == there
            assert one.got == back

    on_loop(main, loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_was_sent_before_a_goodbye_arrives_whatever_the_other_side_writes_meanwhile(
    loop: Callable[[], Any],
) -> None:
    async def main() -> None:
        async with pair() as (one, two):
            # What n1 does not read any more must not make its system throw away what n2 is to read.
            await send_all(two, N1, [(1, 0, b"z" * 60_000)] * 40)
            messages = numbered(5000)
            for message in messages:
                one.link(N2).send(*message)
            await one.junction.aclose("enough")
            await two.until(lambda: two.gone)
            assert two.got == messages
            assert two.gone == {N1: "has left: enough"}

    on_loop(main, loop)


def test_a_payload_beyond_the_limit_is_refused_at_the_sender_even_while_the_link_is_full() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            large = bytes(MAX_PAYLOAD + 1)
            with pytest.raises(MessageError, match="at most"):
                one.link(N2).send(1, 0, large)
            transport_of(two, N1).pause_reading()
            await fill(one, N2)
            with pytest.raises(MessageError, match="at most"):
                one.link(N2).send(1, 0, large)
            transport_of(two, N1).resume_reading()

    on_loop(main)


def test_senders_that_wait_keep_the_order_in_which_they_came() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            transport_of(two, N1).pause_reading()
            count = await fill(one, N2)
            order: list[int] = []

            async def sender(number: int) -> None:
                for turn in range(50):
                    order.append(number * 1000 + turn)
                    room = one.link(N2).send(1, 0, b"%d" % order[-1])
                    if room is not None:
                        await room

            senders = [asyncio.ensure_future(sender(number)) for number in range(20)]
            await asyncio.sleep(0)
            assert one.link(N2).queue.waiting == 20
            assert one.link(N2).send(REPLY, 1, b"reply") is None  # replies do not wait
            transport_of(two, N1).resume_reading()
            await asyncio.gather(*senders)
            await two.until(lambda: len(two.got) == count + 1001)
            assert [int(p) for h, _, p in two.got[count:] if h == 1] == order
            assert two.got[count] == (REPLY, 1, b"reply")

    on_loop(main)


def test_a_sender_that_gives_up_takes_its_message_with_it_and_holds_nobody_up() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            transport_of(two, N1).pause_reading()
            count = await fill(one, N2)
            rooms = [one.link(N2).send(1, 0, b"%d" % number) for number in range(3000)]
            for number, room in enumerate(rooms):
                assert isinstance(room, asyncio.Future)
                if number % 3:
                    room.cancel()
            assert one.link(N2).queue.waiting == 1000
            transport_of(two, N1).resume_reading()
            await two.until(lambda: len(two.got) == count + 1000)
            assert [int(payload) for _, _, payload in two.got[count:]] == list(range(0, 3000, 3))
            assert not one.link(N2).queue.blocked

    on_loop(main)


def test_a_full_link_keeps_a_bounded_weight_and_a_bounded_buffer() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            transport_of(two, N1).pause_reading()
            await fill(one, N2, size=100)
            rooms = [one.link(N2).send(1, 0, b"x" * 100) for _ in range(100)]
            await asyncio.sleep(0)
            session = one.link(N2).session
            assert RESEND_WEIGHT <= session.weight <= RESEND_WEIGHT + 100 + MESSAGE_WEIGHT
            assert transport_of(one, N2).get_write_buffer_size() <= 2 * OUTPUT_BYTES + 200_000
            transport_of(two, N1).resume_reading()
            await asyncio.gather(*(room for room in rooms if room is not None))

    on_loop(main)


def test_what_arrived_is_acknowledged_though_nothing_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "_HEARTBEAT", 1000.0)  # a sign of life would say it as well

    async def main() -> None:
        async with pair() as (one, _):
            await send_all(one, N2, numbered(3))
            await one.until(lambda: one.link(N2).session.acked == 3)

    on_loop(main)


def test_an_owner_that_fails_over_one_message_gets_all_the_others() -> None:
    async def main() -> None:
        reported: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
        async with pair() as (one, two):
            kept = two.on_message

            def fail(peer: PeerId, handler: int, call: int, payload: bytes) -> None:
                kept(peer, handler, call, payload)
                if payload == b"50":
                    raise RuntimeError("not my day")

            two.on_message = fail  # type: ignore[method-assign]
            await send_all(one, N2, numbered(100))
            await two.until(lambda: two.has(100))
            assert two.got == numbered(100)
            assert [str(error) for error in reported] == ["not my day"]

    on_loop(main)


# -------------------------------------------------- connections break


@pytest.mark.parametrize("loop", LOOPS)
def test_a_link_goes_on_when_its_connection_is_reset(loop: Callable[[], Any]) -> None:
    async def main() -> None:
        one, two = End(N1), End(N2)
        await two.listen()
        async with Proxy(two.address, resets=8, least=1000, most=25_000) as proxy, closing(one, two):
            one.junction.dial(N2, proxy.address)
            there, back = numbered(10_000), numbered(10_000, start=500_000)
            await asyncio.gather(send_all(one, N2, there), send_all(two, N1, back))
            await two.until(lambda: len(two.got) >= len(there))
            await one.until(lambda: len(one.got) >= len(back))
            assert two.got == there
            assert one.got == back
            assert proxy.resets == 8
            assert not one.gone
            assert not two.gone

    on_loop(main, loop)


def test_a_connection_over_which_nothing_comes_any_more_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "_HEARTBEAT", 0.05)
    monkeypatch.setattr(link, "DOUBT", 0.2)

    async def main() -> None:
        one, two = End(N1, gone_after=30.0), End(N2, gone_after=30.0)
        await two.listen()
        async with Proxy(two.address, resets=0, least=1, most=1) as proxy, closing(one, two):
            one.junction.dial(N2, proxy.address)
            await send_all(one, N2, numbered(100))
            await two.until(lambda: len(two.got) == 100)
            for round_number in (1, 2):
                proxy.freeze()
                there, back = numbered(100, start=100 * round_number), numbered(100, start=100 * round_number)
                await asyncio.gather(send_all(one, N2, there), send_all(two, N1, back))
                await two.until(lambda: len(two.got) == 100 * (round_number + 1))  # noqa: B023 - called here only
                await one.until(lambda: len(one.got) == 100 * round_number)  # noqa: B023
            assert two.got == numbered(300)
            assert one.got == numbered(200, start=100)
            assert proxy.connections >= 3  # one for each doubt, and under load there may be more
            assert not one.gone
            assert not two.gone
            assert not one.junction.refused

    on_loop(main)


def test_a_link_that_is_left_while_hands_are_shaken_is_not_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        one, other = End(N1), End(N2)
        await other.listen()
        async with closing(one, other):
            prove = Initiator.receive

            def cut(self: Initiator, data: bytes) -> bytes:
                answer = prove(self, data)
                if answer:
                    asyncio.get_running_loop().call_soon(one.junction.cut, N2, "is gone")
                return answer

            monkeypatch.setattr(Initiator, "receive", cut)
            broken: list[object] = []
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: broken.append(context))
            one.junction.dial(N2, other.address)
            await one.until(lambda: one.gone)
            await one.until(lambda: not one.junction._connections)  # the Welcome has been read, and refused
            assert not broken
            assert not one.linked

    on_loop(main)


@pytest.mark.parametrize("closes", ["dialling", "dialled"])
def test_a_connection_that_either_side_closes_without_a_goodbye_is_opened_again(closes: str) -> None:
    async def main() -> None:
        async with pair() as (one, two):
            await send_all(one, N2, numbered(100))
            end, peer = (one, N2) if closes == "dialling" else (two, N1)
            transport_of(end, peer).close()
            await send_all(one, N2, numbered(100, start=100))
            await two.until(lambda: len(two.got) == 200)
            assert two.got == numbered(200)

    on_loop(main)


def test_malformed_frames_close_their_connection_and_cost_nothing_else() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            await send_all(one, N2, numbered(1000))
            transport_of(one, N2).write(b"\xff" * 100)
            await send_all(one, N2, numbered(1000, start=1000))
            await two.until(lambda: len(two.got) == 2000)
            assert two.got == numbered(2000)
            assert two.junction.refused == {"malformed": 1}
            assert "unknown kind 255" in two.shown[0]

    on_loop(main)


def test_a_peer_that_writes_on_after_its_goodbye_has_left_all_the_same() -> None:
    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two), raw(two.address) as one:
            await one.shake(as_n1())
            one.writer.write(encode_single(1, 0, (1, 0, b"last")) + encode_bye("so long") + encode_bye("again"))
            await two.until(lambda: two.gone)
            assert two.got == [(1, 0, b"last")]
            assert two.gone == {N1: "has left: so long"}
            assert two.junction.refused == {"malformed": 1}
            assert two.link(N1).send(1, 0, b"to nobody") is None

    on_loop(main)


def test_a_peer_that_has_restarted_begins_a_new_session() -> None:
    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two):
            for incarnation in (0, 1):
                one = End(N1, incarnation=incarnation)
                one.junction.dial(N2, two.address)
                await one.until(partial(bool, one.linked))
                await send_all(one, N2, numbered(10, start=100 * incarnation))
                wanted = 10 * (incarnation + 1)
                await two.until(partial(two.has, wanted))
                await send_all(two, N1, numbered(5))
                await one.until(partial(one.has, 5))
                one.junction._dialling[0].cancel()  # as a power cut does: without a goodbye
                transport_of(one, N2).abort()
                one.link(N2).over = True
                await one.junction.aclose()
            assert two.got == numbered(10) + numbered(10, start=100)
            late = End(N1)
            async with closing(late):
                late.junction.dial(N2, two.address)
                await late.until(lambda: late.shown)
            assert "incarnation 0 of n1 is over" in late.shown[0]

    on_loop(main)


def test_a_peer_that_cannot_be_reached_is_dialled_ever_less_often() -> None:
    async def main() -> None:
        times: list[float] = []

        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            times.append(time.monotonic())
            await reader.read(1)
            writer.close()

        one = End(N1)
        async with serving(refuse) as address, closing(one):
            one.junction.dial(N2, address)
            await one.until(lambda: len(times) == 6)
            gaps = [later - earlier for earlier, later in pairwise(times)]
            pauses = (0.02, 0.05, 0.1, 0.25, 0.5)
            assert all(gap > 0.8 * pause for gap, pause in zip(gaps, pauses, strict=True)), gaps

    on_loop(main)


def test_why_a_peer_cannot_be_reached_is_known() -> None:
    async def main() -> None:
        one = End(N1)
        free = socket.create_server(("127.0.0.1", 0))
        address = free.getsockname()
        free.close()
        async with closing(one):
            one.junction.dial(N2, address)
            one.junction.dial(N3, ("no-such-host.invalid", 1))
            await one.until(lambda: one.link(N2).trouble and one.link(N3).trouble)
            assert one.link(N2).trouble == f"127.0.0.1:{address[1]} Connection refused"
            assert one.link(N3).trouble.startswith("no-such-host.invalid:1 ")

    on_loop(main)


def test_closing_in_the_middle_of_a_handshake_leaves_nothing_behind() -> None:
    async def main() -> None:
        heard = asyncio.Event()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            heard.set()
            await reader.read()
            writer.close()

        async with serving(listen) as address:
            one = End(N1)
            one.junction.dial(N2, address)
            await heard.wait()
            await one.junction.aclose()
            assert not one.junction._connections

    on_loop(main)


# -------------------------------------------------- peers that take nothing


def test_a_peer_that_takes_nothing_while_casts_wait_is_cut_off_and_the_casts_are_counted() -> None:
    async def main() -> None:
        async with pair(link_limit=0.3) as (one, two):
            transport_of(two, N1).pause_reading()
            await fill(one, N2)
            rooms = [one.link(N2).send(1, number % 2, b"waits") for number in range(10)]
            await one.until(lambda: one.gone)
            assert one.gone == {N2: "was cut off: it took nothing for 0.3 s"}
            assert one.unsent == 5  # the other five were requests; those who called hear that the peer is down
            assert all(room is not None and room.done() for room in rooms)
            for _ in range(5000):
                assert one.link(N2).send(1, 0, b"x" * 1000) is None
            assert one.link(N2).session.weight < 100_000
            transport_of(two, N1).resume_reading()
            await two.until(lambda: two.gone)
            assert N1 in two.gone

    on_loop(main)


def test_a_peer_that_takes_nothing_is_cut_off_even_if_every_sender_gives_up_before() -> None:
    async def main() -> None:
        async with pair(link_limit=0.3) as (one, two):
            transport_of(two, N1).pause_reading()
            await fill(one, N2)
            while not one.gone:
                room = one.link(N2).send(1, 0, b"impatient")
                if room is not None:
                    await asyncio.wait((room,), timeout=0.02)
                    room.cancel()
            assert one.link(N2).session.weight <= RESEND_WEIGHT + 200_000
            transport_of(two, N1).resume_reading()

    on_loop(main)


@pytest.mark.slow  # for longer than the link limit
def test_a_peer_that_takes_a_large_message_slowly_is_not_cut_off() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        two = End(N2, link_limit=0.4)
        await two.listen()
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            sock.setblocking(False)
            await loop.sock_connect(sock, two.address)
            async with closing(two):
                handshake = as_n1()
                await loop.sock_sendall(sock, handshake.first())
                while not handshake.done:
                    await loop.sock_sendall(sock, handshake.receive(await loop.sock_recv(sock, 1000)))
                await send_all(two, N1, [(1, 0, bytes(48 * 2**20))])
                waits = two.link(N1).send(1, 0, b"next")
                assert waits is not None
                began, taken = time.monotonic(), 0
                while time.monotonic() - began < 1.0:  # more than twice the limit
                    taken += len(await loop.sock_recv(sock, 1 << 20))
                    await asyncio.sleep(0.01)
                assert not two.gone
                assert 0 < taken < 40 * 2**20
                assert not waits.done()
                await two.until(lambda: two.gone)  # now it takes nothing any more

    on_loop(main)


def test_a_peer_that_drains_slowly_is_not_overdue_and_one_that_takes_nothing_is() -> None:
    """Only the times at which the link is looked at are made up: the peer reads, and acknowledges nothing."""

    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two), raw(two.address) as one:
            await one.shake(as_n1())
            await two.until(lambda: two.linked)
            link = two.link(N1)
            await send_all(two, N1, [(1, 0, bytes(48 * 2**20))])
            waits = link.send(1, 0, b"next")
            assert waits is not None
            now = asyncio.get_running_loop().time()
            for beat in range(1, 6):
                drained = link._drained()
                while link._drained() == drained:
                    await one.reader.read(1 << 16)
                assert link.session.acked == 0
                assert not link.overdue(now + beat * 100)
            one.writer.transport.pause_reading()  # type: ignore[attr-defined]
            looks = itertools.count(now + 1000, 100)
            await two.until(lambda: link.overdue(next(looks)))  # what is under way between the systems still leaves
            waits.cancel()
            link.overdue(next(looks))
            assert not link.overdue(next(looks))  # nobody waits any more
            transport_of(two, N1).abort()

    on_loop(main)


def test_what_drains_counts_for_each_connection_alone() -> None:
    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two), raw(two.address) as one, raw(two.address) as again:
            await one.shake(as_n1())
            await two.until(lambda: two.linked)
            link = two.link(N1)
            await send_all(two, N1, [(1, 0, bytes(48 * 2**20))])
            waits = link.send(1, 0, b"next")
            while link._drained() < 10 * 2**20:
                await one.reader.read(1 << 20)
            now = asyncio.get_running_loop().time()
            assert not link.overdue(now + 100)
            await again.shake(as_n1(number=2))
            await two.until(lambda: link._drained() > 0)  # much less than over the other one
            assert link._drained() < 10 * 2**20
            assert not link.overdue(now + 200)
            assert waits is not None
            waits.cancel()
            transport_of(two, N1).abort()

    on_loop(main)


def test_a_peer_that_asks_and_takes_no_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distbench.network.session.OVERRUN_WEIGHT", 8 * 2**20)

    async def main() -> None:
        async with pair() as (one, two):
            transport_of(two, N1).pause_reading()
            for _ in range(1000):
                one.link(N2).send(REPLY, 1, b"x" * 20_000)
                await asyncio.sleep(0)
            assert one.gone == {N2: "was cut off: it asked and did not take the answers"}
            transport_of(two, N1).resume_reading()

    on_loop(main)


# -------------------------------------------------- the passing of time


def test_a_sender_that_waits_leaves_no_timer_that_counts_as_the_algorithms() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NodeLoop)
        async with pair() as (one, two):
            transport_of(two, N1).pause_reading()
            await fill(one, N2)
            handler = contextvars.copy_context()
            handler.run(current_node.set, "a node")  # type: ignore[arg-type]
            waits = handler.run(one.link(N2).send, 1, 0, b"from a handler")
            assert waits is not None
            assert loop.timers == 0
            transport_of(two, N1).resume_reading()
            await waits
            assert (loop.timers, loop.activity) == (0, 0)

    on_loop(main, NodeLoop)


def test_senders_that_wait_again_and_again_do_not_stop_the_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "_HEARTBEAT", 0.05)

    async def main() -> None:
        async with pair(link_limit=10.0) as (one, two):
            one.junction.beat()
            due = one.junction._due
            for _ in range(100):
                one.junction.watch()
            assert one.junction._due == due  # sooner than an eighth of the limit already
            heard = two.link(N1)._heard
            await two.until(lambda: two.link(N1)._heard > heard)

    on_loop(main)


def test_a_silent_peer_is_named_in_the_log_and_again_when_it_can_be_heard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tcp, "_HEARTBEAT", 0.05)
    monkeypatch.setattr(link, "SILENCE", 0.2)

    async def main() -> None:
        async with pair() as (one, _):
            with caplog.at_level(logging.WARNING):
                transport_of(one, N2).pause_reading()
                await one.until(lambda: "n1: n2 has been silent for" in caplog.text)
                transport_of(one, N2).resume_reading()
                await one.until(lambda: "n1: n2 can be heard again" in caplog.text)
            assert caplog.text.count("has been silent") == 1
            assert not one.gone

    on_loop(main)


def test_a_process_that_was_stopped_itself_blames_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tcp, "_HEARTBEAT", 0.05)
    monkeypatch.setattr(link, "SILENCE", 0.5)

    async def main() -> None:
        async with pair(link_limit=0.5, gone_after=0.5) as (one, two):
            transport_of(two, N1).pause_reading()
            await fill(one, N2)
            waits = one.link(N2).send(1, 0, b"waits")
            assert waits is not None
            transport_of(two, N1).resume_reading()
            time.sleep(0.8)  # SIGSTOP, or a handler that computes
            await waits
            assert not one.gone
            assert "silent" not in caplog.text

    on_loop(main)


def test_a_peer_without_connection_is_gone_after_a_while_where_nobody_else_notices() -> None:
    async def main() -> None:
        one, two = End(N1), End(N2, gone_after=0.2)
        two.junction._beat_in(0.3)
        await two.listen()
        async with closing(one, two):
            one.junction.dial(N2, two.address)
            await two.until(lambda: two.linked)
            one.junction._dialling[0].cancel()
            await asyncio.wait(one.junction._dialling)
            transport_of(one, N2).abort()
            await two.until(lambda: two.gone)
            assert two.gone == {N1: "is gone: no connection for 0.2 s"}

    on_loop(main)


def test_a_connection_that_says_nothing_is_closed_after_the_handshake_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_LIMIT", 0.1)

    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two), raw(two.address) as silent, raw(two.address) as slow:

            async def trickle() -> None:
                for byte in as_n1().first():
                    slow.writer.write(bytes([byte]))
                    await asyncio.sleep(0.01)

            trickling = asyncio.ensure_future(trickle())
            assert b"the handshake took longer than 0.1 s" in await silent.all()
            await slow.all()
            trickling.cancel()
            assert two.junction.refused == {"handshake not finished in time": 2}
            assert not two.junction._unfinished

    on_loop(main)


def test_random_interleavings_of_resets_and_waiting_senders_lose_nothing() -> None:
    rng = random.Random(5)

    async def main() -> None:
        async with pair() as (one, two):
            sent: list[Message] = []
            for turn in range(60):
                for _ in range(rng.randrange(1, 40)):
                    sent.append((1, 0, b"%d." % len(sent) + bytes(rng.choice((0, 100, 40_000, 200_000)))))
                    room = one.link(N2).send(*sent[-1])
                    if room is not None:
                        await room
                if rng.random() < 0.4:
                    end, peer = rng.choice(((one, N2), (two, N1)))
                    if end.link(peer)._connection is not None:
                        transport_of(end, peer).abort()
                if turn % 7 == 0:
                    await asyncio.sleep(0)
            await two.until(lambda: len(two.got) >= len(sent))
            assert two.got == sent

    on_loop(main)
