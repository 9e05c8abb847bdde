"""IPv6 beside IPv4: listened on, dialled, shown; of a name with several addresses each is tried."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing as closing_socket

import pytest

from distbench.errors import ConfigError
from distbench.network.addresses import address_here, bare, is_loopback, listening_socket, show_address
from distbench.running.local import open_socket
from tests.network.ends import End, closing, on_loop, serving
from tests.network.greeters import N1, N2
from tests.network.test_tcp import numbered, send_all


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


@pytest.mark.parametrize(
    "address, shown",
    [(("10.0.0.1", 80), "10.0.0.1:80"), (("n1", 80), "n1:80"), (("::1", 80), "[::1]:80")],
)
def test_an_address_is_shown_as_people_write_it(address: tuple[str, int], shown: str) -> None:
    assert show_address(address) == shown
    assert bare("[::1]") == bare("::1") == "::1"


@pytest.mark.parametrize(
    "host, here",
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("localhost", True),
        ("n1.localhost", True),
        ("::1234", False),
        ("localhost.example.com", False),
        ("127.example.com", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_what_others_cannot_reach_is_known(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def reach(address: tuple[str, int]) -> None:
    socket.create_connection(address, timeout=5).close()


@ipv6
def test_all_interfaces_are_those_of_both_families() -> None:
    with closing_socket(listening_socket(None, 0)) as sock:
        port = sock.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            reach((host, port))
        reach(address_here(sock))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost", pytest.param("::1", marks=ipv6)])
def test_a_process_of_this_machine_knows_where_another_listens(host: str) -> None:
    with closing_socket(listening_socket(host, 0)) as sock:
        reach(address_here(sock))


def test_where_ipv6_is_switched_off_all_interfaces_are_those_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with closing_socket(listening_socket(None, 0)) as sock:
        assert sock.family == socket.AF_INET
        reach(address_here(sock))


@ipv6
@pytest.mark.parametrize("host, shown", [("::1", "[::1]:{}"), (None, "port {}")])
def test_a_port_that_is_taken_is_named(host: str | None, shown: str) -> None:
    with closing_socket(listening_socket(host, 0)) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(ConfigError) as error:
            open_socket(host, port, N1)
        assert str(error.value).startswith(f"n1: cannot listen on {shown.format(port)} (Address already in use); end")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no-such-host.invalid", "a..b"])
def test_a_host_that_is_not_this_machine_is_named(host: str) -> None:
    with pytest.raises(ConfigError, match=r"n1: cannot listen on .*; give an address of this machine"):
        open_socket(host, 80, N1)


class V6End(End):
    async def listen(self) -> None:
        sock = listening_socket("::1", 0)
        host, port = sock.getsockname()[:2]
        self.address = (host, port)
        await self.junction.listen(sock)


@ipv6
def test_a_link_over_ipv6() -> None:
    async def main() -> None:
        one, two = End(N1), V6End(N2)
        await two.listen()
        async with closing(one, two):
            one.junction.dial(N2, two.address)
            await asyncio.gather(send_all(one, N2, numbered(1000)), send_all(two, N1, numbered(1000)))
            await two.until(lambda: two.has(1000))
            await one.until(lambda: one.has(1000))
            assert one.got == two.got == numbered(1000)

    on_loop(main)


def name(monkeypatch: pytest.MonkeyPatch, **known: tuple[str, ...]) -> None:
    """The system's resolver knows these names."""
    asked = socket.getaddrinfo

    def look_up(host: str, *rest: object, **more: object) -> object:
        if host not in known:
            return asked(host, *rest, **more)  # type: ignore[arg-type]
        return [
            (socket.AF_INET6 if ":" in at else socket.AF_INET, socket.SOCK_STREAM, 6, "", (at, 0)) for at in known[host]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@ipv6
@pytest.mark.parametrize("listens", [End, V6End])
@pytest.mark.parametrize("addresses", [("::1", "127.0.0.1"), ("127.0.0.1", "::1")])
def test_every_address_of_a_name_is_tried(
    monkeypatch: pytest.MonkeyPatch, listens: type[End], addresses: tuple[str, ...]
) -> None:
    name(monkeypatch, both=addresses)

    async def main() -> None:
        one, two = End(N1), listens(N2)
        await two.listen()
        async with closing(one, two):
            one.junction.dial(N2, ("both", two.address[1]))
            await send_all(one, N2, numbered(10))
            await two.until(lambda: two.has(10))
            await one.until(lambda: not one.link(N2).trouble)

    on_loop(main)


@ipv6
def test_a_name_of_ipv6_only(monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, six=("::1",))

    async def main() -> None:
        one, two = End(N1), V6End(N2)
        await two.listen()
        async with closing(one, two):
            one.junction.dial(N2, ("six", two.address[1]))
            await one.until(lambda: one.linked)
        with closing_socket(listening_socket("::1", 0)) as sock:
            free = sock.getsockname()[1]
        late = End(N1)
        async with closing(late):
            late.junction.dial(N2, ("::1", free))
            await late.until(lambda: late.link(N2).trouble)
            assert late.link(N2).trouble == f"[::1]:{free} Connection refused"

    on_loop(main)


@ipv6
def test_where_somebody_else_is_at_the_first_address_the_next_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, both=("127.0.0.1", "::1"))

    async def somebody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def main() -> None:
        one, two = End(N1), V6End(N2)
        async with serving(somebody) as (_, port):
            sock = listening_socket("::1", port)
            await two.junction.listen(sock)
            async with closing(one, two):
                one.junction.dial(N2, ("both", port))
                await one.until(lambda: one.linked)
                assert one.junction._found_at == {} or one.junction._found_at[N2] == "::1"

    on_loop(main)


@ipv6
def test_why_no_address_of_a_name_can_be_reached_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, both=("127.0.0.1", "::1"))

    async def main() -> None:
        one = End(N1)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))  # bound, but nobody listens
            port = free.getsockname()[1]
            async with closing(one):
                one.junction.dial(N2, ("both", port))
                await one.until(lambda: one.link(N2).trouble)
                assert one.link(N2).trouble == f"both:{port} Connection refused"

    on_loop(main)
