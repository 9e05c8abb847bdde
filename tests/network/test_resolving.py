"""Hosts are looked up without anybody having to wait for a resolver that does not answer."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from distbench.network.resolving import MOST, Resolver


class SlowResolver:
    """Stands in for the system's: answers no question before it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = threading.Event()

    def __call__(self, host: str, *rest: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        self.go.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 0))]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowResolver]:
    resolver = SlowResolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.go.set()
    for thread in threading.enumerate():
        if thread.name.startswith("look up "):
            thread.join()


def resolve(host: str) -> list[str]:
    async def main() -> list[str]:
        return await Resolver().resolve(host)

    return asyncio.run(main())


def test_a_name_is_looked_up() -> None:
    assert "127.0.0.1" in resolve("localhost")


@pytest.mark.parametrize("address", ["10.1.2.3", "::1"])
def test_an_address_is_taken_as_it_is(address: str, slow: SlowResolver) -> None:
    assert resolve(address) == [address]
    assert slow.asked == []


@pytest.mark.parametrize("host", ["a..b", "n" * 64])
def test_what_is_no_name_is_an_error_of_the_connection(host: str) -> None:
    with pytest.raises(OSError, match="is no host name"):
        resolve(host)


def test_a_loop_ends_although_the_resolver_does_not_answer(slow: SlowResolver) -> None:
    async def main() -> None:
        task = asyncio.create_task(Resolver().resolve("n9"))
        while not slow.asked:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert not slow.go.is_set()


def test_only_so_many_lookups_are_under_way_and_all_end(slow: SlowResolver) -> None:
    async def main() -> list[list[str]]:
        resolver = Resolver()
        tasks = [asyncio.create_task(resolver.resolve(f"n{number}")) for number in range(MOST + 5)]
        while len(slow.asked) < MOST:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(slow.asked) == MOST
        slow.go.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [["10.0.0.7"]] * (MOST + 5)
