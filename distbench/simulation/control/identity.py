"""What tells one process, thread or computer from another: each node is a process of its own, with one thread.

Its numbers are the same in each run. Of the computer it sees what a small one would show: one core, no load, a kernel
that says nothing. What Python was built for (``sys.platform``, ``platform.machine()``) stays, and so does the user.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

from distbench.simulation.control.naming import by_library
from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import Machine, current_machine

_Answer = Callable[..., Any]

_RELEASE: Final = "1.0"
_OWN_PID: Final = 0
"""What the system takes for the process that asks."""


def stand_ins() -> Iterator[StandIn]:
    """Of what names the process, the thread and the computer."""
    yield from _of_processes()
    yield from _of_threads()
    yield from _of_computers()


def of_resource(module: ModuleType) -> Iterator[StandIn]:
    """Of the module ``resource``, which some systems have."""
    real = module.getrusage

    def usage(machine: Machine, who: int) -> Any:
        spent = machine.read() / 1e9 if who == module.RUSAGE_SELF else 0.0
        return module.struct_rusage((spent, 0.0, *(0,) * 14))

    yield StandIn(module, "getrusage", _answered(real, usage))


def _answered(real: _Answer, answer: Callable[..., Any]) -> _Answer:
    """Within a step what ``answer`` says of its machine, given the arguments."""

    def ask(*args: Any) -> Any:
        machine = current_machine.get()
        return real(*args) if machine is None else answer(machine, *args)

    return ask


def _of_processes() -> Iterator[StandIn]:
    answers: dict[str, Callable[..., Any]] = {
        "getpid": lambda machine: machine.pid,
        "getppid": lambda machine: 1,
        "getpgrp": lambda machine: machine.pid,
        "times": _times,
        "cpu_count": lambda machine: 1,
        "process_cpu_count": lambda machine: 1,
        "getloadavg": lambda machine: (0.0, 0.0, 0.0),
        "uname": _uname,
    }
    for name, answer in answers.items():
        if hasattr(os, name):  # not every system, nor every version of Python, has all of them
            yield StandIn(os, name, _answered(getattr(os, name), answer))
    for name in ("getpgid", "getsid"):
        if hasattr(os, name):
            yield StandIn(os, name, _of_pid(getattr(os, name), lambda machine: machine.pid))
    if hasattr(os, "sched_getaffinity"):
        yield StandIn(os, "sched_getaffinity", _of_pid(os.sched_getaffinity, lambda machine: {0}))


def _of_pid(real: _Answer, answer: Callable[[Machine], Any]) -> _Answer:
    """A question after a process: the node knows its own, the system those that are real."""

    def ask(pid: int, /) -> Any:
        machine = current_machine.get()
        return real(pid) if machine is None or pid not in (_OWN_PID, machine.pid) else answer(machine)

    return ask


def _times(machine: Machine) -> os.times_result:
    now = machine.read() / 1e9
    return os.times_result((now, 0.0, 0.0, 0.0, now))


def _uname(machine: Machine) -> Any:
    return os.uname_result((_COMPUTER.system, machine.node_id, _RELEASE, _RELEASE, _COMPUTER.machine))


# -------------------------------------------------- threads


def _of_threads() -> Iterator[StandIn]:
    """The thread that runs the step is the main thread of the node's process, and there is no other."""
    thread = sys.modules["_thread"]
    yield StandIn(threading, "get_ident", _answered(threading.get_ident, lambda machine: machine.ident))
    yield StandIn(thread, "get_ident", _by_program(threading.get_ident))
    if hasattr(threading, "get_native_id"):
        for owner in (threading, thread):
            yield StandIn(owner, "get_native_id", _answered(threading.get_native_id, lambda machine: machine.pid))
    yield StandIn(threading.Thread, "ident", _identity(threading.Thread.ident, lambda machine: machine.ident))
    if hasattr(threading.Thread, "native_id"):
        yield StandIn(threading.Thread, "native_id", _identity(threading.Thread.native_id, lambda machine: machine.pid))
    yield StandIn(threading, "current_thread", _answered(threading.current_thread, lambda _: threading.main_thread()))
    yield StandIn(threading, "active_count", _answered(threading.active_count, lambda machine: 1))
    yield StandIn(threading, "enumerate", _answered(threading.enumerate, lambda machine: [threading.main_thread()]))


def _by_program(real: _Answer) -> _Answer:
    """What Python's own library asks as well, to tell real threads apart, as in the locks of imports."""

    def get_ident() -> Any:
        machine = current_machine.get()
        return real() if machine is None or by_library(sys._getframe(1)) else machine.ident

    return get_ident


def _identity(real: Any, answer: Callable[[Machine], int]) -> property:
    def ask(self: threading.Thread) -> Any:
        machine = current_machine.get()
        return real.fget(self) if machine is None or self is not threading.main_thread() else answer(machine)

    return property(ask)


# -------------------------------------------------- computers


def _of_computers() -> Iterator[StandIn]:
    yield StandIn(socket, "gethostname", _answered(socket.gethostname, lambda machine: machine.node_id))
    yield StandIn(socket, "getfqdn", _full_name(socket.getfqdn))
    yield StandIn(uuid, "getnode", _answered(uuid.getnode, lambda machine: machine.hardware))
    yield StandIn(platform, "uname", _answered(platform.uname, _described))
    yield StandIn(platform, "platform", _platform(platform.platform))


_COMPUTER: Final = platform.uname()  # before a step asks: the module keeps what it has heard


def _described(machine: Machine) -> platform.uname_result:
    made: Any = platform.uname_result(_COMPUTER.system, machine.node_id, _RELEASE, _RELEASE, _COMPUTER.machine)
    made.__dict__["processor"] = ""  # found out by another process otherwise
    return made  # type: ignore[no-any-return]


def _platform(real: _Answer) -> _Answer:
    """The description of the computer in a line."""

    def describe(aliased: bool = False, terse: bool = False) -> Any:
        if current_machine.get() is None:
            return real(aliased, terse)
        return "-".join(filter(None, (platform.system(), _RELEASE, "" if terse else platform.machine())))

    return describe


def _full_name(real: _Answer) -> _Answer:
    def getfqdn(name: str = "") -> Any:
        machine = current_machine.get()
        return machine.node_id if machine is not None and name in ("", "0.0.0.0", "::", machine.node_id) else real(name)

    return getfqdn
