"""What no seed can repeat, refused by name: real sleep, threads, sockets, processes."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from distbench.errors import NondeterminismError
from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import current_machine

_ASYNC: Final = "use 'await asyncio.sleep(...)'"
_NO_THREAD: Final = "use 'asyncio.create_task(...)'"
_NO_NETWORK: Final = "use self.peers to reach other nodes"
_NO_PROCESS: Final = "compute it before the run and pass it by the config"


def stand_ins() -> Iterator[StandIn]:
    """Of all that is refused within a step."""
    yield _refused(time, "sleep", "time.sleep()", _ASYNC)
    yield _refused(threading.Thread, "start", "threading.Thread.start()", _NO_THREAD)
    yield _refused(socket.socket, "__init__", "socket.socket()", _NO_NETWORK)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr"):
        yield _refused(socket, name, f"socket.{name}()", _NO_NETWORK)
    yield _refused(subprocess.Popen, "__init__", "subprocess.Popen()", _NO_PROCESS)
    for name in ("system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp"):
        if hasattr(os, name):  # not every system has all of them
            yield _refused(os, name, f"os.{name}()", _NO_PROCESS)


def _refused(owner: Any, attribute: str, name: str, instead: str) -> StandIn:
    real: Callable[..., Any] = getattr(owner, attribute)

    def guarded(*args: Any, **named: Any) -> Any:
        machine = current_machine.get()
        if machine is not None and machine.refuses:
            raise NondeterminismError(f"{name} inside a simulated node, which no seed can repeat; {instead}")
        return real(*args, **named)

    return StandIn(owner, attribute, guarded)
