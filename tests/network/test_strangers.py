"""Who is not who he says, over real sockets: refused, counted, and without effect on anybody else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import pytest

from distbench.community import PeerId
from distbench.network.frames import HEADER, encode_single
from distbench.network.greetings import GREETING_LIMIT
from distbench.network.handshake import Initiator
from distbench.network.party import Cause, Party, Terms
from distbench.network.tcp import MOST_SHOWN, UNFINISHED_LIMIT
from distbench.signing import KeyPair
from tests.network.ends import End, as_n1, closing, on_loop, pair, raw, serving, transport_of
from tests.network.greeters import KEYS, N1, N2, N3, TERMS, initiator, party, with_terms
from tests.network.test_tcp import numbered, send_all

STRANGER = KeyPair(b"s" * 32)


class Pretender:
    """Shows a node's public key, and cannot sign with it."""

    public = KEYS[N1].public

    def sign(self, data: bytes) -> bytes:
        return STRANGER.sign(data)


def differing(**fields: object) -> Party:
    return with_terms(party(N1), replace(TERMS, **fields))  # type: ignore[arg-type]


async def call(end: End, handshake: Initiator) -> bytes:
    """Dial ``end`` as the initiator of ``handshake``; what it writes at last."""
    async with raw(end.address) as one:
        one.writer.write(handshake.first())
        told = b""
        while data := await one.reader.read(4096):
            told = data
            try:
                answer = handshake.receive(data)
            except Exception:
                break
            one.writer.write(answer)
        return told


@pytest.mark.parametrize(
    "dialling, cause, words",
    [
        (replace(party(N1), keys=STRANGER), Cause.IMPOSTOR, "n1 showed a key that is not the one known for it"),
        (replace(party(N1), keys=Pretender()), Cause.SIGNATURE, "n1 could not prove that it holds its key"),
        (replace(party(N1), node=PeerId("n9"), keys=STRANGER), Cause.STRANGER, "'n9' is no peer of n2"),
        (replace(party(N1), node=N2, keys=STRANGER), Cause.STRANGER, "'n2' is no peer of n2"),
        (differing(config=b"c" * 32), Cause.CONFIG, "config 63636363 there"),
        (differing(definition=b"d" * 32), Cause.DEFINITION, "algorithm 64646464 there"),
        (differing(format="msgpack"), Cause.FORMAT, "format 'msgpack' there, 'json' here"),
        (differing(run=b"run 0"), Cause.RUN, "a process of an earlier run may still be there"),
    ],
)
def test_who_differs_is_refused_with_the_reason_and_counted(dialling: Party, cause: Cause, words: str) -> None:
    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two):
            told = await call(two, Initiator(dialling, b"n" * 32, N2))
            assert words in told.decode(errors="replace")
            await two.until(lambda: two.junction.refused)
            assert two.junction.refused == {cause: 1}
            assert words in two.shown[0]
            assert not two.linked

    on_loop(main)


def test_another_version_is_refused_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        two = End(N2)
        await two.listen()
        hello = bytearray(as_n1().first())
        at = hello.index(b"distbench") + len(b"distbench")
        hello[at : at + 2] = (7).to_bytes(2)
        async with closing(two), raw(two.address) as one:
            one.writer.write(bytes(hello))
            assert b"speaks protocol version 7" in await one.all()
            assert two.junction.refused == {Cause.VERSION: 1}

    on_loop(main)


def test_a_recorded_handshake_is_worth_nothing() -> None:
    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two):
            handshake = as_n1()
            recorded = [handshake.first()]
            async with raw(two.address) as one:
                one.writer.write(recorded[0])
                while not handshake.done:
                    answer = handshake.receive(await one.reader.read(4096))
                    recorded.append(answer)
                    one.writer.write(answer)
                one.writer.write(encode_single(1, 0, (1, 0, b"honest")))
                await two.until(lambda: two.got)
                async with raw(two.address) as again:
                    again.writer.write(b"".join(recorded) + encode_single(2, 0, (1, 0, b"replayed")))
                    assert b"could not prove" in await again.all()
                # The connection of the real n1 is as it was.
                one.writer.write(encode_single(2, 0, (1, 0, b"honest as well")))
                await two.until(lambda: len(two.got) == 2)
            assert [payload for _, _, payload in two.got] == [b"honest", b"honest as well"]
            assert two.junction.refused == {Cause.SIGNATURE: 1}

    on_loop(main)


def test_a_reflected_handshake_is_worth_nothing() -> None:
    """Who is dialled sends everything back to the one that dials, and its answers as its own."""

    async def main() -> None:
        async def mirror(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(4096):
                writer.write(data)
            writer.close()

        one, two = End(N1), End(N2)
        await one.listen()
        await two.listen()
        async with serving(mirror) as address, closing(one, two):
            one.junction.dial(N2, address)
            await one.until(lambda: one.junction.refused)
            assert one.junction.refused[Cause.ORDER] > 0  # a Hello is no answer to a Hello
            # And n2's own Challenge, handed back to it by way of another connection:
            async with raw(two.address) as first, raw(two.address) as second:
                handshake = as_n1()
                first.writer.write(handshake.first())
                challenge = await first.reader.read(4096)
                second.writer.write(challenge)
                await second.all()
            assert two.junction.refused[Cause.ORDER] == 1
            assert not one.linked
            assert not two.linked

    on_loop(main)


def test_a_hello_in_the_name_of_a_linked_node_does_not_disturb_its_link() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            before = transport_of(two, N1)
            await call(two, Initiator(replace(party(N1), keys=Pretender()), b"n" * 32, N2))
            async with raw(two.address) as half:
                half.writer.write(as_n1().first())
                assert await half.reader.read(4096)  # the challenge, which is never answered
                await send_all(one, N2, numbered(100))
                await two.until(lambda: len(two.got) == 100)
            assert transport_of(two, N1) is before

    on_loop(main)


def test_a_node_that_does_not_know_the_others_yet_counts_nobody_and_links_later() -> None:
    async def main() -> None:
        one, two = End(N1), End(N2)
        key, two.junction.early = two.junction.roster.pop(N1), True
        await two.listen()
        async with closing(one, two):
            one.junction.dial(N2, two.address)
            await one.until(lambda: "does not know the other nodes yet" in one.link(N2).trouble)
            two.junction.roster[N1], two.junction.early = key, False
            await two.until(lambda: two.linked)
            assert not two.junction.refused
            assert not one.junction.refused
            assert not one.shown
            assert not two.shown

    on_loop(main)


def test_the_first_key_that_proves_itself_stands_where_none_is_known() -> None:
    async def main() -> None:
        two = End(N2)
        two.junction.roster[N1] = None
        await two.listen()
        async with closing(two), raw(two.address) as first:
            await first.shake(as_n1())
            await two.until(lambda: two.linked)
            assert b"not the one known" in await call(two, initiator(replace(party(N1), keys=STRANGER)))
            assert two.junction.refused == {Cause.IMPOSTOR: 1}

    on_loop(main)


def test_held_connections_keep_no_honest_node_out() -> None:
    async def main() -> None:
        two = End(N2)
        await two.listen()
        async with closing(two), AsyncExitStack() as held:
            for number in range(UNFINISHED_LIMIT + 20):
                one = await held.enter_async_context(raw(two.address))
                if number % 3 == 1:
                    one.writer.write(as_n1(number=number).first())  # half a handshake
                elif number % 3 == 2:
                    one.writer.write(HEADER.pack(GREETING_LIMIT, 17))
            await two.until(lambda: two.junction.refused["too many unfinished handshakes"] == 20)
            assert len(two.junction._unfinished) == UNFINISHED_LIMIT
            honest = End(N3)
            async with closing(honest):
                honest.junction.dial(N2, two.address)
                await honest.until(lambda: honest.linked)
                await send_all(honest, N2, numbered(10))
                await two.until(lambda: len(two.got) == 10)
            assert not honest.junction.refused
            assert two.junction.refused == {"too many unfinished handshakes": 21}
            assert len(two.junction._unfinished) == UNFINISHED_LIMIT - 1

    on_loop(main)


def random_bytes(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(1, 200))


def huge_length(rng: random.Random) -> bytes:
    return HEADER.pack(2**32 - 1, rng.choice((1, 2, 17, 18)))


def half_a_hello(rng: random.Random) -> bytes:
    hello = as_n1(number=rng.randrange(1000)).first()
    return hello[: rng.randrange(len(hello))]


def whole_hello(rng: random.Random) -> bytes:
    return as_n1(number=rng.randrange(1000)).first()


def nothing(rng: random.Random) -> bytes:
    return b""


KINDS: tuple[Callable[[random.Random], bytes], ...] = (random_bytes, huge_length, half_a_hello, whole_hello, nothing)


async def attack(address: tuple[str, int], count: int, at_once: int = 50, seed: int = 0) -> int:
    """``count`` hostile connections of all kinds, ``at_once`` of them open at a time; how many could be made.

    Half of them stay until they are closed or a while has passed.
    """
    rng = random.Random(seed)
    numbers = iter(range(count))
    made = 0

    async def attacker() -> None:
        nonlocal made
        for number in numbers:
            with suppress(OSError, TimeoutError):
                async with raw(address) as one, asyncio.timeout(0.05):
                    made += 1
                    one.writer.write(KINDS[number % len(KINDS)](rng))
                    if rng.random() < 0.5:
                        await one.reader.read(-1)

    await asyncio.gather(*(attacker() for _ in range(at_once)))
    return made


def test_hostile_connections_do_not_disturb_a_link_and_fill_no_log() -> None:
    async def main() -> None:
        async with pair() as (one, two):
            messages = numbered(5000)
            made, _ = await asyncio.gather(attack(two.address, 500), send_all(one, N2, messages))
            await two.until(lambda: len(two.got) == len(messages))
            assert two.got == messages
            assert made == 500
            await two.until(lambda: two.junction.refused.total() == made)
            assert two.junction.refused["malformed"] > 100
            assert len(two.shown) <= MOST_SHOWN + 1
            assert "only counted" in two.shown[-1]
            assert not one.shown

    on_loop(main)


def test_terms_are_compared_in_both_directions() -> None:
    """The side that dials refuses as well, and both know why."""

    async def main() -> None:
        other: Terms = replace(TERMS, run=b"run 2")
        one, two = End(N1, terms=replace(TERMS, run=b"")), End(N2, terms=other)
        strict = End(N1, terms=TERMS)
        await two.listen()
        async with closing(one, two, strict):
            strict.junction.dial(N2, two.address)
            await strict.until(lambda: strict.junction.refused)
            assert "run 72756e20" in strict.link(N2).trouble
            one.junction.dial(N2, two.address)  # one that does not know the run takes it from the other
            await one.until(lambda: one.linked)

    on_loop(main)
