"""A process's children and what descends from them: none of it outlives a run, whatever algorithms have started.

A node and what it forks are one process group. On Linux the process that keeps the nodes also becomes the parent of
every orphan below it, in whatever group or session that is.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from contextlib import suppress
from time import monotonic, sleep
from typing import Final

PARENT_DEATH_SIGNAL: Final = 1
_CHILD_SUBREAPER: Final = 36
"""Numbers of prctl(2), on Linux only."""
_PAUSE: Final = 0.01
"""Seconds between two looks at a child, where the system cannot wait for one with a limit."""


def prctl(option: int, value: int) -> None:
    """prctl(2), where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of each descendant whose own parent ends, on Linux."""
    prctl(_CHILD_SUBREAPER, 1)


def end_children() -> None:
    """Kill all children of this process, and what becomes its child by that, until nothing is left."""
    while children := _children():
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    """The children of this process, which has one thread; without ``/proc`` none is known."""
    me = os.getpid()
    with suppress(OSError), open(f"/proc/{me}/task/{me}/children") as file:
        return [int(pid) for pid in file.read().split()]
    with suppress(OSError):  # a kernel that does not list them
        return [int(pid) for pid in os.listdir("/proc") if pid.isdecimal() and _parent(pid) == me]
    return []


def _parent(pid: str) -> int:
    with suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])
    return 0  # it has just ended


def signal_group(leader: int, number: int) -> None:
    """Send a signal to a node's process and to what it has started, as far as that did not choose another group."""
    with suppress(ProcessLookupError, PermissionError):  # macOS has no right to a group of zombies
        os.killpg(leader, number)


def reap(pid: int, patience: float) -> bool:
    """Wait for a child that is about to end, and kill it after ``patience`` seconds; whether it ended by itself."""
    deadline = monotonic() + patience
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll(patience * 1000)
        finally:
            os.close(descriptor)
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if monotonic() >= deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return False
        sleep(_PAUSE)
    return True
