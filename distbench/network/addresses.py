"""Addresses of IPv4 and IPv6: shown, judged, and listened on."""

from __future__ import annotations

import errno
import ipaddress
import socket
from contextlib import suppress
from typing import Final, TypeAlias

Address: TypeAlias = tuple[str, int]
"""A host, by its name or its address, and a port."""

_ALL: Final = ("0.0.0.0", "::")
_LOOPBACKS: Final = ("127.0.0.1", "::1")
_TAKEN: Final = (errno.EADDRINUSE, errno.EACCES)


def show_address(address: Address) -> str:
    """As people write it, ``10.0.0.1:9000`` or ``[::1]:9000``."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bare(host: str) -> str:
    """``host`` without the brackets that an address of IPv6 may stand in."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def is_loopback(host: str) -> bool:
    """Nobody on another machine reaches this one there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def listening_socket(host: str | None, port: int) -> socket.socket:
    """A socket that listens on ``host``, or with None on all interfaces, for IPv4 and IPv6 where there are both.

    Raises OSError. Of a name with several addresses the first of IPv4 that this machine has is taken, else of IPv6.
    """
    if host is None or host == "::":
        if socket.has_dualstack_ipv6():
            try:
                return _listening(socket.AF_INET6, ("::", port))
            except OSError as error:
                if error.errno in _TAKEN or host is not None:
                    raise  # else IPv6 is switched off
        host = host or "0.0.0.0"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # a label of a name is empty, or longer than 63 characters
        raise OSError(errno.EINVAL, f"{host!r} is no host name") from None
    failed: OSError = OSError(errno.EADDRNOTAVAIL, "it has no address of this machine")
    for family, _, _, _, at in sorted(found, key=lambda entry: entry[0] != socket.AF_INET):
        try:
            return _listening(family, at)
        except OSError as error:
            failed = error
            if error.errno in _TAKEN:
                break
    raise failed


def _listening(family: int, at: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(at[0] != "::"))
        sock.bind(at)
        sock.listen(1024)
    except OSError:
        sock.close()
        raise
    return sock


def address_here(sock: socket.socket) -> Address:
    """Where a process of this machine reaches a listening socket."""
    host, port = sock.getsockname()[:2]
    if host not in _ALL:
        return host, port
    families = (socket.AF_INET, sock.family)  # one on :: takes both
    for family, loopback in zip((socket.AF_INET, socket.AF_INET6), _LOOPBACKS, strict=True):
        if family in families:
            with suppress(OSError), socket.socket(family) as probe:
                probe.bind((loopback, 0))
                return loopback, port
    return _LOOPBACKS[0], port
