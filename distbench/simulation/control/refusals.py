"""What no seed can repeat, refused by name: real sleep, threads, sockets, processes.

Most of it Python itself tells of, by the events that it raises for audits (PEP 578): those come however early and under
whatever name a function was bound. A hook stays as long as the process, so it says nothing outside of steps. Only for
what raises no event stand refusing functions in place of the real ones.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final, NamedTuple, NoReturn

from distbench.errors import NondeterminismError
from distbench.simulation.control.naming import by_bystander, called
from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import current_machine

_ASYNC: Final = "use 'await asyncio.sleep(...)'"
_NO_THREAD: Final = "use 'asyncio.create_task(...)'"
_NO_NETWORK: Final = "use self.peers to reach other nodes"
_NO_PROCESS: Final = "compute it before the run and pass it by the config"
_NO_END: Final = "raise an exception to have the node fail"
_NO_PERSON: Final = "pass it by the config"
_NO_SIGNAL: Final = "use self.peers, or a timer such as 'asyncio.sleep(...)'"
_NO_DEVICE: Final = "use os.urandom(...)"
_BY_MODULE: Final = "look it up in its module when it is called"
_NO_WAIT: Final = "wait with what asyncio has for it, such as 'await asyncio.Event().wait()'"

_DEVICES: Final = ("/dev/urandom", "/dev/random", "/dev/hwrng", "/proc/sys/kernel/random/")


class _Door(NamedTuple):
    """What is said of an event, unless ``passes`` finds from its arguments that there is nothing to say."""

    name: str
    instead: str
    passes: Callable[[tuple[Any, ...]], bool] = lambda arguments: False


def _doors() -> Iterator[tuple[str, _Door]]:
    yield "time.sleep", _Door("time.sleep()", _ASYNC)
    for event in ("_thread.start_new_thread", "_thread.start_joinable_thread"):
        yield event, _Door(f"{event}()", _NO_THREAD)
    for name in ("fork", "forkpty", "exec", "posix_spawn", "spawn", "system", "startfile", "startfile/2"):
        yield f"os.{name}", _Door(f"os.{name.partition('/')[0]}()", _NO_PROCESS)
    yield "pty.spawn", _Door("pty.spawn()", _NO_PROCESS)
    yield "subprocess.Popen", _Door("subprocess.Popen()", _NO_PROCESS)
    yield "webbrowser.open", _Door("webbrowser.open()", _NO_PROCESS)
    yield "socket.__new__", _Door("socket.socket()", _NO_NETWORK)
    names = "getaddrinfo gethostbyname gethostbyaddr getnameinfo connect bind sendto sendmsg"
    for name in names.split():
        yield f"socket.{name}", _Door(f"socket.{name}()", _NO_NETWORK)
    yield "socket.gethostname", _Door("socket.gethostname()", _BY_MODULE)
    yield "builtins.input", _Door("input()", _NO_PERSON)
    for event in ("os.kill", "os.killpg", "signal.pthread_kill"):
        yield event, _Door(f"{event}()", _NO_SIGNAL)
    yield "fcntl.flock", _Door("fcntl.flock()", _NO_WAIT, lambda arguments: _is_free("flock", *arguments))
    yield "fcntl.lockf", _Door("fcntl.lockf()", _NO_WAIT, lambda arguments: _is_free("lockf", *arguments))
    yield "open", _Door("open()", _NO_DEVICE, lambda arguments: not str(arguments[0]).startswith(_DEVICES))


_DOORS: Final = dict(_doors())


def stand_ins() -> Iterator[StandIn]:
    """Of what is refused within a step and raises no event, on some versions of Python at least."""
    yield _refused(time, "sleep", _ASYNC)
    for name in ("_start_new_thread", "_start_joinable_thread"):
        if hasattr(threading, name):
            yield _refused(threading, name, _NO_THREAD, "threading.Thread.start()")
    thread = sys.modules["_thread"]
    for name in ("start_new_thread", "start_new"):
        yield _refused(thread, name, _NO_THREAD)
    yield _refused(socket, "socketpair", _NO_NETWORK)
    for name in ("posix_spawn", "posix_spawnp"):  # named apart
        if hasattr(os, name):
            yield _refused(os, name, _NO_PROCESS)
    for name in ("_exit", "abort"):
        yield _refused(os, name, _NO_END)
    for name in ("raise_signal", "alarm", "setitimer", "signal"):
        if hasattr(signal, name):
            yield _refused(signal, name, _NO_SIGNAL)
    fork_exec = sys.modules.get("_posixsubprocess")  # behind multiprocessing's ways to start a process
    if fork_exec is not None:
        yield _refused(fork_exec, "fork_exec", _NO_PROCESS)


def refuse(name: str, instead: str, frame: FrameType | None) -> None:
    """Raise for what the code at ``frame`` does, which by itself is called ``name``, if it is the step's doing."""
    if not by_bystander(frame):
        _raise(called(frame, name), instead)


def refuse_wait(name: str, frame: FrameType | None) -> None:
    """Refuse what would wait for something outside of the step."""
    refuse(name, _NO_WAIT, frame)


def _raise(name: str, instead: str) -> NoReturn:
    raise NondeterminismError(f"{name} inside a simulated node, which no seed can repeat; {instead}")


def refuses() -> bool:
    """Whether a step of a node runs, in which what no seed can repeat is refused."""
    machine = current_machine.get()
    return machine is not None and machine.refuses


def _refused(owner: Any, attribute: str, instead: str, name: str = "") -> StandIn:
    real: Callable[..., Any] = getattr(owner, attribute)
    name = name or f"{owner.__name__}.{attribute}()"

    def guarded(*args: Any, **named: Any) -> Any:
        if refuses():
            refuse(name, instead, sys._getframe(1))
        return real(*args, **named)

    return StandIn(owner, attribute, guarded)


# -------------------------------------------------- events


def _hear(
    event: str,
    arguments: tuple[Any, ...],
    door_of: Callable[[str], _Door | None] = _DOORS.get,  # all names here are gone before the hook is
    machine_of: Callable[[], Any] = current_machine.get,
) -> None:
    door = door_of(event)
    if door is None:
        return
    machine = machine_of()
    if machine is not None and machine.refuses and not door.passes(arguments):
        refuse(door.name, door.instead, sys._getframe(1))


_listens = False


def listen() -> None:
    """Have the interpreter tell of its events from now on."""
    global _listens
    if not _listens:
        _listens = True
        sys.addaudithook(_hear)


def _is_free(name: str, descriptor: Any, operation: int, *area: int) -> bool:
    """Whether a lock of a file is to be had at once; if so, it is had, which is what the caller wants."""
    import fcntl  # not on every system; whoever asks has it

    if operation & (fcntl.LOCK_NB | fcntl.LOCK_UN):
        return True
    try:
        getattr(fcntl, name)(descriptor, operation | fcntl.LOCK_NB, *area)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN)
    return True
