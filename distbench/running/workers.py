"""Processes forked from this one, each of which applies a function to its share of some items.

Everything the parent has loaded is there at once in the children, so that an item costs little more than the work on
it. Items are handed out in chunks, in their order; a chunk takes about ``_CHUNK_TIME``, so that no worker idles at
the end and a stop comes soon.

The parent watches them: a worker that uses up CPU time without a sign of life is in a call that never comes back. It is
asked for the line it is at, and killed.
"""

from __future__ import annotations

import faulthandler
import mmap
import os
import pickle
import re
import select
import signal
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from distbench.node.suspended import last_line
from distbench.running.nursery import die_with_parent
from distbench.running.signals import SIGNALS, mask
from distbench.running.streams import flush_streams, keep_places
from distbench.running.unheard import hush

CAN_FORK: Final = hasattr(os, "fork")

_CHUNK_TIME: Final = 0.05
"""Seconds."""
_GRACE: Final = 1.0
"""Seconds of CPU time that a worker has on top, to end its step by itself."""
_ANSWERS_WITHIN: Final = 2.0
"""Seconds."""
_ASK: Final = getattr(signal, "SIGUSR1", 0)
_CHUNK: Final = struct.Struct("!QQ")
_SIZE: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one item: a value, or the traceback of an exception, or how its process died."""

    index: int
    value: Any = None
    error: str | None = None
    died: str | None = None
    stuck: str | None = None
    """The line of the algorithm at which its process used up its time; may be empty."""
    spent: float = 0.0
    """The CPU time that it had, where it is stuck."""


@dataclass(slots=True)
class _Worker:
    pid: int
    tasks: int
    answers: int
    traces: int
    slot: int
    next: int = 0
    """The item it is at."""
    stop: int = 0
    """The end of its chunk; it waits for another where ``next`` has come there."""
    began: float = 0.0
    seen: tuple[int, int] = (-1, 0)
    """The item it was at, and its signs of life, when the parent looked last."""
    since: float = 0.0
    """The CPU time that it had used when these changed."""
    buffer: bytearray = field(default_factory=bytearray)


class Workers:
    """Some processes at work on ``items``; leaving the block ends and reaps them, whatever they do."""

    def __init__(
        self, function: Callable[[Any], object], items: Sequence[Any], processes: int, patience: float = 0.0
    ) -> None:
        """What ``function`` returns is pickled. The processes start when the block is entered.

        ``patience``: CPU time without ``tell_alive()`` after which one is stuck; 0 for any.
        """
        self._function = function
        self._items = items
        self._processes = max(1, min(processes, len(items)))
        self._handed = 0
        self._end = len(items)
        self._size = 1
        self._workers: list[_Worker] = []
        self._patience = patience
        self._pulse = mmap.mmap(-1, self._processes)

    def __enter__(self) -> Workers:
        keep_places()
        flush_streams()
        try:
            for slot in range(self._processes):
                self._fork(slot)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        held = mask(True)
        try:
            while self._workers:
                self._end_worker(self._workers.pop())
            self._pulse.close()
        finally:
            if held:
                mask(False)

    @property
    def busy(self) -> tuple[int, ...]:
        """The items that are being worked on, by their place."""
        return tuple(sorted(worker.next for worker in self._workers if worker.next < worker.stop))

    def stop_at(self, index: int) -> None:
        """Items from ``index`` on are not wanted any more."""
        self._end = min(self._end, index)

    def only(self, index: int) -> None:
        """Of all items this one alone is wanted; none has been handed out yet."""
        self._handed, self._end = index, index + 1

    def wait(self, timeout: float) -> list[Answer] | None:
        """The answers that come within ``timeout`` seconds, as soon as there is one; None when all wanted came."""
        for worker in self._workers:
            self._hand_out(worker)
        waiting = [worker for worker in self._workers if worker.next < min(worker.stop, self._end)]
        if not waiting:
            return None if self._handed >= self._end or not self._workers else []
        ready = _readable([worker.answers for worker in waiting], timeout)
        found = [answer for worker in waiting if worker.answers in ready for answer in self._read(worker)]
        stuck = [worker for worker in waiting if worker.answers not in ready and self._is_stuck(worker)]
        return found + [self._buried(worker, stuck=True) for worker in stuck]

    def places(self) -> dict[int, str]:
        """The line of the algorithm that each item is at which is worked on; empty where it is in no algorithm's."""
        return {worker.next: self._place(worker) for worker in self._workers if worker.next < worker.stop}

    def _is_stuck(self, worker: _Worker) -> bool:
        """Whether a worker used up its time without a sign of life; its own watch had a fair chance to end the step."""
        spent = cpu_time(worker.pid) if self._patience > 0 else None
        if spent is None:
            return False
        seen = worker.next, self._pulse[worker.slot]
        if seen != worker.seen:
            worker.seen, worker.since = seen, spent
        return spent - worker.since > 1.5 * self._patience + _GRACE

    @staticmethod
    def _place(worker: _Worker) -> str:
        os.kill(worker.pid, _ASK)
        told = b""
        while _readable([worker.traces], 0.1 if told else _ANSWERS_WITHIN) and (
            data := os.read(worker.traces, 1 << 16)
        ):
            told += data
        return last_line(read_trace(told))

    def _hand_out(self, worker: _Worker) -> None:
        """Give a worker that has nothing to do its next chunk."""
        if worker.next < worker.stop or self._handed >= self._end:
            return
        fair = -(-(self._end - self._handed) // (2 * len(self._workers)))
        worker.next = self._handed
        worker.stop = self._handed = min(self._handed + min(self._size, fair), self._end)
        worker.began = perf_counter()
        with suppress(BrokenPipeError):  # it is dead, which its other pipe tells
            os.write(worker.tasks, _CHUNK.pack(worker.next, worker.stop))

    def _read(self, worker: _Worker) -> list[Answer]:
        data = os.read(worker.answers, 1 << 18)
        if not data:
            return [self._buried(worker)]
        worker.buffer += data
        answers = []
        at = 0
        while len(worker.buffer) - at >= _SIZE.size:
            (size,) = _SIZE.unpack_from(worker.buffer, at)
            if len(worker.buffer) - at - _SIZE.size < size:
                break
            at += _SIZE.size
            value, error = pickle.loads(worker.buffer[at : at + size])  # our own child wrote it
            answers.append(Answer(worker.next, value, error))
            at += size
            worker.next += 1
            if worker.next == worker.stop:
                self._learn(worker)
        del worker.buffer[:at]
        return answers

    def _learn(self, worker: _Worker) -> None:
        """Make the next chunks as large as this one's speed suggests."""
        spent = max(perf_counter() - worker.began, 1e-6)
        done = max(1, round(self._size * _CHUNK_TIME / spent))
        self._size = min(done, 2 * self._size + 1, 1000)

    def _buried(self, worker: _Worker, *, stuck: bool = False) -> Answer:
        """A worker died over an item, or is stuck: reap it, and let another go on behind that."""
        place = self._place(worker) if stuck else None
        self._workers.remove(worker)
        status = self._end_worker(worker)
        died = None if stuck else _describe(status)
        answer = Answer(worker.next, died=died, stuck=place, spent=self._patience)
        if worker.next + 1 < worker.stop or self._handed < self._end:
            self._fork(worker.slot)
            heir = self._workers[-1]
            heir.next, heir.stop, heir.began = worker.next + 1, worker.stop, perf_counter()
            if heir.next < heir.stop:
                with suppress(BrokenPipeError):
                    os.write(heir.tasks, _CHUNK.pack(heir.next, heir.stop))
        return answer

    def _fork(self, slot: int) -> None:
        tasks_in, tasks_out = os.pipe()
        answers_in, answers_out = os.pipe()
        traces_in, traces_out = os.pipe()
        parent = os.getpid()
        held = mask(True)  # until a child is known, or knows that it is one
        try:
            with warnings.catch_warnings():
                # A notebook has threads; the child uses none of what they hold, and never returns from here.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
            if pid:
                self._workers.append(_Worker(pid, tasks_out, answers_in, traces_in, slot))
        finally:
            if held and os.getpid() == parent:
                mask(False)
        if pid:
            os.close(tasks_in)
            os.close(answers_out)
            os.close(traces_out)
            return
        try:
            others = [end for w in self._workers for end in (w.tasks, w.answers, w.traces)]
            _become_worker(parent, [tasks_out, answers_in, traces_in, *others])
            _show_life(self._pulse, slot, traces_out)
            if held:
                mask(False)
            _serve(tasks_in, answers_out, self._function, self._items)
        finally:
            os._exit(0)  # nothing of the parent's is to be flushed, closed or reported here

    @staticmethod
    def _end_worker(worker: _Worker) -> int:
        """Kill it; how it ended. One that is ending already ends as it would have."""
        os.close(worker.tasks)
        os.close(worker.answers)
        os.close(worker.traces)
        os.kill(worker.pid, signal.SIGKILL)  # it is not reaped yet, so the number is still its own
        return os.waitpid(worker.pid, 0)[1]


def tell_alive() -> None:
    """A sign of life to the parent, where this process is a worker."""
    if _life is not None:
        pulse, slot = _life
        pulse[slot] = (pulse[slot] + 1) % 256


_life: tuple[mmap.mmap, int] | None = None


def _show_life(pulse: mmap.mmap, slot: int, traces: int) -> None:
    """Let ``tell_alive`` be heard, and answer by a traceback, whatever this process is doing, when it is asked."""
    global _life
    _life = pulse, slot
    faulthandler.register(_ASK, traces, all_threads=False)


def cpu_time(pid: int) -> float | None:
    """Seconds of CPU time that a process has used; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    with suppress(OSError):
        return time.clock_gettime(~pid << 3 | 2)  # the number that clock_getcpuclockid() makes of it
    return None


def read_trace(told: bytes) -> list[tuple[str, int]]:
    """Files and lines of a traceback as ``faulthandler`` writes it, the outermost first."""
    found = re.findall(r'^  File "(.*)", line (\d+) in ', told.decode("ascii", "replace"), re.MULTILINE)
    return [(_ESCAPED.sub(lambda one: chr(int(one[0][2:], 16)), file), int(line)) for file, line in reversed(found)]


_ESCAPED: Final = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def _readable(descriptors: list[int], timeout: float) -> Iterable[int]:
    """Those of ``descriptors`` that have something; unlike ``select.select`` for any number."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(timeout * 1000)}


def _become_worker(parent: int, foreign: list[int]) -> None:
    """Leave signals, the terminal and the other workers' pipes to the parent, and die with it."""
    import gc

    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    for descriptor in foreign:
        os.close(descriptor)
    die_with_parent(parent)
    hush()
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: SIM115 - until the end
    sys.breakpointhook = lambda *_, **__: None  # nobody sees its prompt here
    gc.freeze()  # what is shared with the parent stays shared


def _serve(tasks: int, answers: int, function: Callable[[Any], object], items: Sequence[Any]) -> None:
    """Work on chunks until there are no more."""
    while len(chunk := os.read(tasks, _CHUNK.size)) == _CHUNK.size:
        for index in range(*_CHUNK.unpack(chunk)):
            try:
                data = pickle.dumps((function(items[index]), None), pickle.HIGHEST_PROTOCOL)
            except BaseException:  # noqa: BLE001 - the parent raises it again
                data = pickle.dumps((None, traceback.format_exc()))
            view = memoryview(_SIZE.pack(len(data)) + data)
            while view:
                view = view[os.write(answers, view) :]


def _describe(status: int) -> str:
    """How a process ended, from what ``waitpid`` says."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return f"signal {number} ({signal.Signals(number).name})"
        except ValueError:
            return f"signal {number}"
    return f"exit status {os.WEXITSTATUS(status)}"
