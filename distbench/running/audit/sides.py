"""The processes of an audit, as the one that compares them sees them."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import warnings
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Final, Protocol

from distbench.errors import ConfigError, InternalError
from distbench.running.audit.reads import Read
from distbench.running.audit.recording import BEGIN, END, EVENT, READ, REFUSED, RESULT, play
from distbench.running.audit.ways import Way, differ
from distbench.running.nursery import die_with_parent
from distbench.running.preparing import Plan
from distbench.running.signals import SIGNALS, mask
from distbench.running.streams import flush_streams, keep_places
from distbench.running.workers import CAN_FORK, cpu_time

MOST_READS: Final = 1000
"""Reads that are kept, the latest ones."""
_LAST_WORDS: Final = 2000
"""Characters of what a process wrote to stderr that are shown when it has died."""
_GLANCE: Final = 1.0
_STUCK: Final = 15.0
"""Times the step timeout: CPU time without a line after which a process is in a call that never comes back."""


class Start(Protocol):
    """Starts one side."""

    def __call__(self, seed: int, ways: frozenset[Way]) -> Side: ...


class Side:
    """One of the processes, and what it has said so far. Leaving the block ends and reaps it."""

    def __init__(self, pid: int, descriptor: int, patience: float = 0.0, stderr: IO[bytes] | None = None) -> None:
        """``patience``: CPU time that a step may take, 0 for any; ``stderr``: the file that it writes it to."""
        self.pid = pid
        self.reads: deque[tuple[int, Read]] = deque(maxlen=MOST_READS)
        """Each with the number of events before it."""
        self.noticed: dict[tuple[str, str], tuple[Read, dict[str, None]]] = {}
        """Real reads by what and where, the first of each, and the nodes."""
        self.begin: Mapping[str, Any] = {}
        self.end: Mapping[str, Any] | None = None
        self.died = ""
        """How it died, if it did before its end."""
        self.events = 0
        self._patience = patience
        self._stderr = stderr
        self._descriptor = descriptor
        self._buffer = b""
        self._lines: deque[bytes] = deque()
        self._status: int | None = None

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *exception: object) -> None:
        held = mask(True)
        try:
            os.close(self._descriptor)
            if self._status is None:
                os.kill(self.pid, signal.SIGKILL)  # it is not reaped yet, so the number is still its own
                self._reap()
            if self._stderr is not None:
                self._stderr.close()
        finally:
            if held:
                mask(False)

    def next(self) -> bytes | None:
        """The next event or result; None at the end. Raises what kept the run from being made."""
        while self.end is None and not self.died:
            line = self._next_line()
            if line is None:
                break
            kind, rest = line[:1], line[1:]
            if kind == EVENT:
                self.events += 1
                return line
            if kind == RESULT:
                return line
            self._take(kind, json.loads(rest))
        return None

    def _take(self, kind: bytes, value: Any) -> None:
        if kind == READ:
            read = Read(*value)
            self.reads.append((self.events, read))
            if read.real:
                self.noticed.setdefault((read.what, read.where), (read, {}))[1][read.node] = None
        elif kind == BEGIN:
            self.begin = value
        elif kind == END:
            self.end = value
        elif kind == REFUSED:
            what, text = value
            raise ConfigError(text) if what == "config" else InternalError(f"an audit's process raised\n{text}")

    def _next_line(self) -> bytes | None:
        while not self._lines:
            if not self._wait():
                return None
            data = os.read(self._descriptor, 1 << 18)
            if not data:
                self.died = self._reap()
                return None
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            self._lines.extend(lines)
        return self._lines.popleft()

    def _wait(self) -> bool:
        """Until it says something; False where it never will."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        since = cpu_time(self.pid) or 0.0
        while not poll.poll(_GLANCE * 1000):
            spent = (cpu_time(self.pid) or since) - since
            if self._patience > 0 and spent > _STUCK * self._patience:
                self.died = f"it used {spent:.0f} s of CPU time in one step (--step-timeout)"
                return False
        return True

    def _reap(self) -> str:
        """How it ended."""
        self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        words = ""
        if self._stderr is not None:
            self._stderr.seek(0)
            words = self._stderr.read().decode("utf-8", "replace").strip()[-_LAST_WORDS:]
        how = f"exit status {self._status}" if self._status >= 0 else signal.Signals(-self._status).name
        return f"its process died: {how}{': ' if words else ''}{words}"


class Forked:
    """Sides that are copies of this process, for what no other process could import."""

    def __init__(self, plan: Plan) -> None:
        if not CAN_FORK:
            raise ConfigError("an audit from Python forks this process, which this system cannot; use --audit")
        self._plan = plan

    def __call__(self, seed: int, ways: frozenset[Way]) -> Side:
        """Play ``seed`` in a copy of this process."""
        keep_places()
        flush_streams()
        ours, theirs = os.pipe()
        parent = os.getpid()
        held = mask(True)  # until the child knows that it is one
        try:
            with warnings.catch_warnings():
                # A notebook has threads; the child uses none of what they hold, and never returns from here.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
        finally:
            if held and os.getpid() == parent:
                mask(False)
        if pid:
            os.close(theirs)
            return Side(pid, ours, self._plan.options.step_timeout)
        try:
            os.close(ours)
            die_with_parent(parent)
            become_side()
            if held:
                mask(False)
            differ(ways)
            play(lambda: self._plan, seed, ways, theirs)
        finally:
            os._exit(0)  # nothing of the parent's is to be flushed, closed or reported here
        raise AssertionError  # never reached


def become_side() -> None:
    """Leave signals and the terminal to the process that compares."""
    with suppress(ValueError):  # not the main thread
        signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: SIM115 - until the end
    sys.breakpointhook = lambda *_, **__: None  # nobody sees its prompt here
