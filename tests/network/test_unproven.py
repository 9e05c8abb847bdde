"""A live link, and somebody else at the address that is dialled: nothing changes before a peer has proven who it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from distbench.network.frames import encode_ack, encode_single
from distbench.network.handshake import TOO_EARLY, Phase, Responder, encode_refusal
from distbench.network.party import Cause, HandshakeRefused
from distbench.signing import KeyPair
from tests.network.ends import End, Raw, as_n1, closing, on_loop, pair, raw, serving, transport_of
from tests.network.greeters import KEYS, N1, N2, party
from tests.network.test_tcp import numbered, send_all

INCARNATION = 3
"""Of the real n2."""
GARBAGE = b"\xff" * 100
Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Pretender:
    """Shows n2's public key, and cannot sign with it."""

    public = KEYS[N2].public

    def sign(self, data: bytes) -> bytes:
        return KeyPair(b"s" * 32).sign(data)


def challenges(incarnation: int, said: Callable[[bytes], bytes]) -> Say:
    """A valid Challenge with a stolen key; then what ``said`` makes of the Welcome, which proves nothing."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = replace(party(N2), keys=Pretender(), incarnation=incarnation)
        handshake = Responder(me, b"n" * 32)
        while not handshake.done:
            try:
                answer = handshake.receive(await reader.read(4096))
            except HandshakeRefused:
                return
            writer.write(answer if handshake.phase is Phase.ASKING else said(answer))
            if not answer:
                return

    return say


def says(data: bytes) -> Say:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(data)

    return say


STRANGERS: dict[str, Say] = {
    "says nothing": says(b""),
    "garbage": says(GARBAGE),
    "refusal": says(encode_refusal("go away")),
    "too early": says(encode_refusal(TOO_EARLY)),
    "frames": says(encode_ack(0)),
}
for name, incarnation in (("earlier", INCARNATION - 1), ("same", INCARNATION), ("later", INCARNATION + 1)):
    STRANGERS |= {
        f"{name}, nothing": challenges(incarnation, lambda welcome: b""),
        f"{name}, wrong welcome": challenges(incarnation, lambda welcome: welcome),
        f"{name}, wrong welcome and frames": challenges(incarnation, lambda welcome: welcome + encode_ack(9)),
        f"{name}, half a welcome": challenges(incarnation, lambda welcome: welcome[:20]),
        f"{name}, garbage": challenges(incarnation, lambda welcome: GARBAGE),
        f"{name}, refusal": challenges(incarnation, lambda welcome: encode_refusal("go away")),
    }


@pytest.mark.parametrize("closes", [False, True], ids=["stays", "closes"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_at_the_dialled_address_changes_nothing(stranger: str, closes: bool) -> None:
    async def main() -> None:
        one, two = End(N1), End(N2, incarnation=INCARNATION)
        await two.listen()
        done, over = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await STRANGERS[stranger](reader, writer)
            done.set()
            if not closes:
                await over.wait()
            writer.close()

        async with serving(serve) as address, closing(one, two):
            one.junction.dial(N2, two.address)
            await two.until(lambda: one.linked and two.linked)
            link, before = one.link(N2), (transport_of(one, N2), transport_of(two, N1))
            roster = dict(one.junction.roster)
            one.junction._addresses[N2] = address  # it is a stranger's now
            for round_number in range(3):
                one.junction._dial_another(link)
                there, back = numbered(50, 50 * round_number), numbered(50, 50 * round_number)
                await asyncio.gather(send_all(one, N2, there), send_all(two, N1, back), done.wait())
                await two.until(lambda: two.has(50 * (round_number + 1)))  # noqa: B023 - called here only
                await one.until(lambda: one.has(50 * (round_number + 1)))  # noqa: B023
                done.clear()
                if N2 in one.junction._others:
                    one.junction._others[N2].cancel()
                    await one.until(lambda: N2 not in one.junction._others)
            assert (transport_of(one, N2), transport_of(two, N1)) == before
            assert (one.got, two.got) == (numbered(150), numbered(150))
            assert (link.trouble, link.incarnation, one.junction.roster) == ("", INCARNATION, roster)
            assert not one.gone
            assert not two.gone
            assert not two.junction.refused
            over.set()

    on_loop(main)


def test_a_second_connection_takes_over_when_the_peer_has_proven_itself_and_no_sooner() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            for number in range(20):
                before = transport_of(one, N2)
                one.junction._dial_another(one.link(N2))
                there, back = numbered(500, 500 * number), numbered(500, 500 * number)
                await asyncio.gather(send_all(one, N2, there), send_all(two, N1, back))
                await one.until(lambda: one.link(N2).connection and transport_of(one, N2) is not before)  # noqa: B023
                await one.until(lambda: N2 not in one.junction._others)
            await two.until(lambda: two.has(10_000))
            await one.until(lambda: one.has(10_000))
            assert (one.got, two.got) == (numbered(10_000), numbered(10_000))
            assert not one.junction.refused
            assert not two.junction.refused

    on_loop(main)


async def shaken(two: End, received: int, between: Callable[[], Awaitable[None]], one: Raw) -> None:
    """n1 shakes hands anew, and says that it has received so much; ``between`` happens after n2 has asked."""
    handshake = as_n1(received)
    one.writer.write(handshake.first())
    challenge = await one.reader.read(4096)
    await between()
    one.writer.write(handshake.receive(challenge))


async def nothing() -> None:
    pass


def test_what_is_acknowledged_while_hands_are_shaken_makes_no_older_number_wrong() -> None:
    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two), raw(two.address) as first, raw(two.address) as second, raw(two.address) as third:
            await first.shake(as_n1())
            await two.until(lambda: two.linked)
            await send_all(two, N1, numbered(10))
            before = transport_of(two, N1)

            async def acknowledge() -> None:
                await first.reader.read(1)  # they were written
                first.writer.write(encode_ack(10))
                await two.until(lambda: two.link(N1).session.acked == 10)
                assert transport_of(two, N1) is before

            await shaken(two, 4, acknowledge, second)
            await two.until(lambda: two.link(N1).connection and transport_of(two, N1) is not before)
            assert not two.junction.refused
            first.writer.write(encode_single(1, 0, (1, 0, b"too late")))
            await first.all()  # it was closed, and is not read any more
            assert not two.got
            # Who says so when it has acknowledged more before it was asked has forgotten the session.
            after = transport_of(two, N1)
            await shaken(two, 4, nothing, third)
            await two.until(lambda: two.junction.refused)
            assert two.junction.refused == {Cause.MALFORMED: 1}
            assert "received 4 messages; it had acknowledged 10" in two.shown[0]
            assert transport_of(two, N1) is after

    on_loop(main)
