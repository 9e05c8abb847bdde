"""Addresses of hosts, looked up so that nobody has to wait for the answer.

A resolver may take ten seconds to say that it does not know a name, as it does in a container whose peer is not there;
it cannot be interrupted, and a loop waits for those it has asked before it closes. So it is asked in a thread that does
not count.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from contextlib import suppress
from typing import Final

MOST: Final = 32
"""Lookups under way at once."""
MOST_TRIED: Final = 8
"""Addresses of one name."""


class Resolver:
    """Looks up hosts; belongs to one loop."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(MOST)

    async def resolve(self, host: str) -> list[str]:
        """The addresses of ``host``, of IPv4 and IPv6, those to be tried first at first; raises OSError if it has none.

        ``host`` itself where it is an address.
        """
        try:
            ipaddress.ip_address(host)
        except ValueError:
            async with self._free:
                return await _look_up(host)
        return [host]


async def _look_up(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str] | OSError) -> None:
        if answer.done():  # nobody waits any more
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        found: list[str] | OSError
        try:
            entries = socket.getaddrinfo(host, None, socket.AF_UNSPEC, socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(entry[4][0]) for entry in entries))[:MOST_TRIED]
        except OSError as error:
            found = error
        except UnicodeError:  # a label of a name is empty, or longer than 63 characters
            found = OSError(f"{host!r} is no host name")
        with suppress(RuntimeError):  # the loop is closed: the answer comes too late
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    return await answer
