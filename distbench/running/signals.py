"""The signals with which a person or a system asks a process to end, and the exception that they become."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

CTRL_C: Final = "Ctrl-C"
SIGNALS: Final[tuple[int, ...]] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


class Interrupted(KeyboardInterrupt):
    """A KeyboardInterrupt that was no Ctrl-C; its text says what it was."""


def name_interrupt(interrupt: BaseException | None) -> str:
    """What interrupted: the name of a signal, or Ctrl-C."""
    return str(interrupt) if isinstance(interrupt, Interrupted) else CTRL_C


def name_signal(number: int) -> str:
    return CTRL_C if number == signal.SIGINT else signal.Signals(number).name


def raise_interrupted(number: int, frame: FrameType | None) -> None:
    raise Interrupted(name_signal(number))


@contextmanager
def raising() -> Iterator[None]:
    """Within the block each of these signals raises a KeyboardInterrupt, unless somebody handles or ignores it."""
    numbers: list[int] = []
    if threading.current_thread() is threading.main_thread():
        numbers = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, raise_interrupted)
    try:
        yield
    finally:
        for number in numbers:
            if signal.getsignal(number) is raise_interrupted:
                signal.signal(number, signal.SIG_DFL)


def mask(hold: bool) -> bool:
    """Let these signals wait, or come again, on the main thread; whether this is that."""
    if threading.current_thread() is not threading.main_thread():
        return False
    signal.pthread_sigmask(signal.SIG_BLOCK if hold else signal.SIG_UNBLOCK, SIGNALS)
    return True
