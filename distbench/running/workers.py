"""Processes forked from this one, each of which applies a function to its share of some items.

Everything the parent has loaded is there at once in the children, so that an item costs little more than the work on
it. Items are handed out in chunks, in their order; a chunk takes about ``_CHUNK_TIME``, so that no worker idles at
the end and a stop comes soon.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from distbench.running.nursery import die_with_parent
from distbench.running.signals import SIGNALS, mask
from distbench.running.streams import flush_streams, keep_places

CAN_FORK: Final = hasattr(os, "fork")

_CHUNK_TIME: Final = 0.05
"""Seconds."""
_CHUNK: Final = struct.Struct("!QQ")
_SIZE: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one item: a value, or the traceback of an exception, or how its process died."""

    index: int
    value: Any = None
    error: str | None = None
    died: str | None = None


@dataclass(slots=True)
class _Worker:
    pid: int
    tasks: int
    answers: int
    next: int = 0
    """The item it is at."""
    stop: int = 0
    """The end of its chunk; it waits for another where ``next`` has come there."""
    began: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)


class Workers:
    """Some processes at work on ``items``; leaving the block ends and reaps them, whatever they do."""

    def __init__(self, function: Callable[[Any], object], items: Sequence[Any], processes: int) -> None:
        """What ``function`` returns is pickled. The processes start when the block is entered."""
        self._function = function
        self._items = items
        self._processes = max(1, min(processes, len(items)))
        self._handed = 0
        self._end = len(items)
        self._size = 1
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers:
        keep_places()
        flush_streams()
        try:
            for _ in range(self._processes):
                self._fork()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        held = mask(True)
        try:
            while self._workers:
                self._end_worker(self._workers.pop())
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

    def wait(self, timeout: float) -> list[Answer] | None:
        """The answers that come within ``timeout`` seconds, as soon as there is one; None when all wanted came."""
        for worker in self._workers:
            self._hand_out(worker)
        waiting = [worker for worker in self._workers if worker.next < min(worker.stop, self._end)]
        if not waiting:
            return None if self._handed >= self._end or not self._workers else []
        ready = _readable([worker.answers for worker in waiting], timeout)
        return [answer for worker in waiting if worker.answers in ready for answer in self._read(worker)]

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

    def _buried(self, worker: _Worker) -> Answer:
        """A worker died over an item: reap it, and let another go on behind that."""
        self._workers.remove(worker)
        status = self._end_worker(worker)
        answer = Answer(worker.next, died=_describe(status))
        if worker.next + 1 < worker.stop or self._handed < self._end:
            self._fork()
            heir = self._workers[-1]
            heir.next, heir.stop, heir.began = worker.next + 1, worker.stop, perf_counter()
            if heir.next < heir.stop:
                with suppress(BrokenPipeError):
                    os.write(heir.tasks, _CHUNK.pack(heir.next, heir.stop))
        return answer

    def _fork(self) -> None:
        tasks_in, tasks_out = os.pipe()
        answers_in, answers_out = os.pipe()
        parent = os.getpid()
        held = mask(True)  # until a child is known, or knows that it is one
        try:
            with warnings.catch_warnings():
                # A notebook has threads; the child uses none of what they hold, and never returns from here.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
            if pid:
                self._workers.append(_Worker(pid, tasks_out, answers_in))
        finally:
            if held and os.getpid() == parent:
                mask(False)
        if pid:
            os.close(tasks_in)
            os.close(answers_out)
            return
        try:
            _become_worker(
                parent, [tasks_out, answers_in, *(end for w in self._workers for end in (w.tasks, w.answers))]
            )
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
        os.kill(worker.pid, signal.SIGKILL)  # it is not reaped yet, so the number is still its own
        return os.waitpid(worker.pid, 0)[1]


def _readable(descriptors: list[int], timeout: float) -> Iterable[int]:
    """Those of ``descriptors`` that have something; unlike ``select.select`` for any number."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(timeout * 1000)}


def _become_worker(parent: int, foreign: list[int]) -> None:
    """Leave signals, the terminal and the other workers' pipes to the parent, and die with it."""
    import gc
    import logging

    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    for descriptor in foreign:
        os.close(descriptor)
    die_with_parent(parent)
    logging.disable(logging.CRITICAL)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: SIM115 - until the end
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
