"""One live line at the bottom of a terminal, which says how far a run is."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any, Final

from distbench.report.cells import width_of
from distbench.words import plural

if TYPE_CHECKING:
    from distbench.running.gauge import Progress
    from distbench.running.seeds import SeedsProgress

FIRST_AFTER: Final = 1.0
"""Seconds before a run shows how far it is: shorter ones need no line."""
EVERY: Final = 0.2
_STALE: Final = 1.0
"""Seconds after which a number of messages that has not changed counts as new: real nodes are asked now and then."""
_ERASE: Final = "\x1b[G\x1b[2K"
"""No carriage return: a stream that is buffered by lines would write that at once, and the rest of the line later."""


_lines: weakref.WeakSet[StatusLine] = weakref.WeakSet()
"""Those that a process which is forked from this one must know of."""


def _share_all() -> None:
    for line in _lines:
        line.shared = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_share_all)


class StatusLine:
    """The last line of a terminal. What is written through ``above`` goes above it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.lock = threading.RLock()
        """Held by whoever writes to the terminal."""
        self.inside_line = False
        """What was written above has not come to the end of its line yet, so it stands where this one would."""
        self._shown = False
        self.shared = False
        """This process was forked from the one that shows the line, and only writes above it."""
        _lines.add(self)

    def show(self, text: str) -> None:
        """Put ``text`` in place of what the line says, cut to the terminal."""
        import shutil

        room = shutil.get_terminal_size().columns - 1
        while width_of(text) > room:
            text = text[:-1]
        with self.lock:
            if not self.inside_line:
                self._write(_ERASE + text)
                self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        with self.lock:
            if self._shown:
                self._shown = False
                self._write(_ERASE)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # the terminal is gone
            pass

    def above(self, stream: IO[str]) -> IO[str]:
        """``stream``, which is the same terminal, writing above the line."""
        return _Above(self, stream)  # type: ignore[return-value]


class _Above:
    """Takes the line away before each write; it comes back with the next look at the run."""

    def __init__(self, status: StatusLine, stream: IO[str]) -> None:
        self._status = status
        self._stream = stream

    def write(self, text: str) -> int:
        with self._status.lock:
            self._status.clear()
            erase = _ERASE if self._status.shared and text and not self._status.inside_line else ""
            if text:
                self._status.inside_line = not text.endswith("\n")
            return self._stream.write(erase + text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def watching(
    status: StatusLine, look: Callable[[], str | None], *, first_after: float = FIRST_AFTER, every: float = EVERY
) -> Iterator[None]:
    """Within the block, show what ``look`` says, from a thread of its own."""
    over = threading.Event()

    def show() -> None:
        wait = first_after
        while not over.wait(wait):
            wait = every
            text = look()
            if text is not None:
                status.show(text)

    thread = threading.Thread(target=show, name="distbench status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        status.clear()


class RunMeter:
    """Turns looks at one run into a line: its time, messages, their rate since the look before, and nodes done."""

    def __init__(self, read: Callable[[], Progress | None]) -> None:
        self._read = read
        self._at = perf_counter()
        self._messages = 0
        self._rate = 0.0

    def __call__(self) -> str | None:
        """The line, or None before the run began."""
        progress = self._read()
        if progress is None:
            return None
        now = perf_counter()
        if progress.virtual or progress.messages != self._messages or now - self._at > _STALE:
            self._rate = (progress.messages - self._messages) / max(now - self._at, 1e-6)
            self._at, self._messages = now, progress.messages
        return (
            f"{progress.seconds:,.3f} s{' virtual' * progress.virtual}, {plural(progress.messages, 'message')}, "
            f"{self._rate:,.0f} messages/s, {progress.done:,} of {progress.nodes:,} nodes done"
        )


def render_seeds_progress(progress: SeedsProgress) -> str:
    """The line about many seeds."""
    rate = progress.done / max(progress.seconds, 1e-6)
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    return f"{progress.done:,} of {progress.asked:,} seeds{failed}, {rate:,.0f} runs/s"
