"""A command line as a process whose output is read while it runs: tests wait for facts in it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent.parent
_LONGEST = 60.0
"""Seconds until a fact that does not come fails the test."""


class Watched:
    """``python -m distbench ARGUMENTS``, in a process group of its own; killed at the end of its block."""

    def __init__(self, *arguments: str | Path, ignores: int | None = None) -> None:
        """``ignores``: a signal that it is to ignore from the beginning."""
        before = None if ignores is None else signal.signal(ignores, signal.SIG_IGN)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "distbench", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        if ignores is not None:
            signal.signal(ignores, before)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._streams = {self.process.stdout.fileno(): "out", self.process.stderr.fileno(): "err"}
        self._texts = {"out": "", "err": ""}

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return self._texts["out"]

    @property
    def err(self) -> str:
        """What it has logged so far."""
        return self._texts["err"]

    def wait_for(self, pattern: str, times: int = 1) -> list[str]:
        """Read until ``pattern`` has been logged so often; its first group, or the whole, of each."""
        deadline = monotonic() + _LONGEST
        while len(found := [m[1] if m.groups() else m[0] for m in re.finditer(pattern, self.err)]) < times:
            assert self._read(deadline), f"it ended without {pattern!r}: {self._texts}"
        return found

    def finish(self) -> int:
        """Read to the end; the exit status."""
        deadline = monotonic() + _LONGEST
        while self._read(deadline):
            pass
        return self.process.wait(_LONGEST)

    def _read(self, deadline: float) -> bool:
        if not self._streams:
            return False
        ready, _, _ = select.select(list(self._streams), [], [], max(0.0, deadline - monotonic()))
        assert ready, f"nothing more came within {_LONGEST:g} s: {self._texts}"
        for descriptor in ready:
            data = os.read(descriptor, 1 << 16)
            if data:
                self._texts[self._streams[descriptor]] += data.decode()
            else:
                del self._streams[descriptor]
        return True

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send a signal to the process that was started, alone."""
        self.process.send_signal(number)

    def interrupt_group(self, number: int) -> None:
        """Send a signal to its whole process group."""
        os.killpg(self.process.pid, number)

    def type_ctrl_c(self) -> None:
        """SIGINT to all of them, as a terminal does it."""
        self.interrupt_group(signal.SIGINT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        with self.process:
            pass


def wait_until_gone(pids: Iterable[int | str]) -> None:
    """Wait until none of these processes exists; they need not be children of this one."""
    for pid in map(int, pids):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            ready, _, _ = select.select([descriptor], [], [], _LONGEST)
            assert ready, f"process {pid} is still there"
        finally:
            os.close(descriptor)
