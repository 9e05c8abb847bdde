"""What ends a run of the real modes in order, with what there is: Ctrl-C, and the signals that ask for it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from distbench.running.result import RunResult
from distbench.running.signals import SIGNALS, name_interrupt, name_signal, raise_interrupted


@contextmanager
def interruptible(
    first: Callable[[str], None], again: Callable[[], None], *, last: bool = False, halt: Callable[[int], None]
) -> Iterator[None]:
    """Within the block each of these signals calls ``first``, with its name, and from the second time on ``again``.

    ``last``: when the block ends well, the process has only to say so, and nothing shall change what it says. ``halt``
    stops and continues those who share no terminal with this process, when its own one stops it (Ctrl-Z).
    """
    loop = asyncio.get_running_loop()
    count = 0

    def interrupt(name: str) -> None:
        nonlocal count
        count += 1
        if count == 1:
            first(name)
        else:
            again()

    def stop() -> None:
        halt(signal.SIGSTOP)
        signal.raise_signal(signal.SIGSTOP)
        halt(signal.SIGCONT)

    if threading.current_thread() is not threading.main_thread():
        _beside.interrupt = lambda name: loop.call_soon_threadsafe(interrupt, name)
        try:
            yield
        finally:
            _beside.interrupt = None
        return
    terminal: tuple[int, ...] = (signal.SIGHUP, signal.SIGTSTP)
    before: dict[int, Any] = {number: signal.getsignal(number) for number in {*SIGNALS, *terminal}}
    for optional in terminal:
        if before[optional] not in (signal.SIG_DFL, raise_interrupted):  # ignored, as under nohup, or somebody's own
            del before[optional]
    for number in list(before):
        if number == signal.SIGTSTP:
            loop.add_signal_handler(number, stop)
        else:
            loop.add_signal_handler(number, interrupt, name_signal(number))
    after = dict(before)
    try:
        yield
        if last:
            after.update(dict.fromkeys([number for number in before if number != signal.SIGTSTP], signal.SIG_IGN))
    finally:
        # For a moment, removing one puts the system's in its place.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, before)
        for number, handler in after.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


class _Beside:
    """The run that a thread beside the main one carries out; only one can, for the main thread waits for it."""

    interrupt: Callable[[str], object] | None = None


_beside: Final = _Beside()


def outside_of_loops(work: Callable[[], RunResult]) -> RunResult:
    """Do ``work`` here, or in a thread where a loop runs already, as in a notebook's cell."""
    if asyncio._get_running_loop() is None:
        return work()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(work)
        while True:
            try:
                return beside.result()
            except KeyboardInterrupt as error:
                interrupt = _beside.interrupt
                if beside.done() or interrupt is None:
                    raise
                interrupt(name_interrupt(error))
