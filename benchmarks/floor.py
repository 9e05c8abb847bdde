"""The floor: the least that a simulated message costs in Python, without any framework.

Every message is encoded with msgpack, waits in a heap for its virtual time, is decoded, and is given to a handler
coroutine, which runs to its end in one step. ``python -m benchmarks.floor relay rr flood`` prints a line
``name rate`` each: messages a second (round trips for ``rr``), the median of three.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from heapq import heappop, heappush
from statistics import median
from typing import Any

import msgspec


@dataclass(slots=True)
class Token:
    """The message of all benchmarks: an int, a short string, a list of three strings."""

    seq: int
    name: str
    path: list[str]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Token).decode
decode_text = msgspec.msgpack.Decoder(str).decode


def new_token(seq: int) -> Token:
    return Token(seq, "hello-world", ["n1", "n2", "n3"])


def finish(handling: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that never waits."""
    try:
        handling.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a handler of the floor waited")


def casts(total: int, in_flight: int) -> float:
    """Deliveries a second of ``total`` messages, of which ``in_flight`` are under way at once."""
    schedule: list[tuple[float, int, bytes]] = []
    delay = random.Random(0).random
    now, number, delivered = 0.0, 0, 0

    async def cast(token: Token) -> None:
        nonlocal number
        number += 1
        heappush(schedule, (now + delay(), number, encode(token)))

    async def on_token(src: str, token: Token) -> None:
        nonlocal delivered
        delivered += 1
        if number < total:
            await cast(new_token(delivered))

    began = time.perf_counter()
    for seq in range(in_flight):
        finish(cast(new_token(seq)))
    while schedule:
        now, _, payload = heappop(schedule)
        finish(on_token("n1", decode(payload)))
    elapsed = time.perf_counter() - began
    assert delivered == total
    return total / elapsed


class Reply:
    """What a caller awaits: the loop resumes it once ``payload`` is there."""

    payload = b""

    def __await__(self) -> Generator[None, None, str]:
        yield
        return decode_text(self.payload)


def round_trips(total: int) -> float:
    """Round trips a second of one caller that awaits each reply."""
    schedule: list[tuple[float, int, bytes, Reply]] = []
    now, number = 0.0, 0

    def put(payload: bytes, reply: Reply) -> None:
        nonlocal number
        number += 1
        heappush(schedule, (now + 0.001, number, payload, reply))

    async def call(token: Token) -> str:
        reply = Reply()
        put(encode(token), reply)
        return await reply

    async def on_token(src: str, token: Token) -> str:
        return token.name

    async def caller() -> None:
        for seq in range(total):
            assert await call(new_token(seq)) == "hello-world"

    began = time.perf_counter()
    calling = caller()
    calling.send(None)
    while schedule:
        now, _, payload, reply = heappop(schedule)
        put(encode(finish(on_token("n1", decode(payload)))), reply)
        now, _, reply.payload, reply = heappop(schedule)
        try:
            calling.send(None)
        except StopIteration:
            break
    return total / (time.perf_counter() - began)


PROGRAMS: dict[str, Callable[[], float]] = {
    "relay": lambda: casts(200_000, 64),
    "rr": lambda: round_trips(100_000),
    "flood": lambda: casts(100_000, 100_000),
}

if __name__ == "__main__":
    for name in sys.argv[1:] or PROGRAMS:
        print(name, f"{median(PROGRAMS[name]() for _ in range(3)):.0f}", flush=True)
