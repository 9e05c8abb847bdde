"""What no seed can repeat is refused by name in a step, whatever way it is called; and elsewhere nothing changes."""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import contextlib
import contextvars
import fcntl
import importlib
import importlib.util
import io
import multiprocessing
import os
import pdb  # noqa: T100 - what a step is looked at with
import pty
import queue
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from multiprocessing import connection
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from time import sleep
from typing import Any

import pytest

import distbench
from distbench import Algorithm, Outcome
from tests.simulation.steps import ONE, run_at_a_node

thread: Any = sys.modules["_thread"]
spawn = multiprocessing.get_context("spawn")
LOCK, REENTRANT = threading.Lock(), threading.RLock()


def ends_in(step: Callable[[], Any], *, waits: bool = False) -> distbench.RunResult:
    @distbench.distbench
    class Tries(Algorithm):
        async def on_start(self) -> None:
            if waits:
                await asyncio.sleep(1)
            got = step()
            if asyncio.iscoroutine(got):
                await got
            await self.terminate()

    return distbench.run(Tries, ONE)


def pool(size: int = 1) -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(size)


Doors = list[tuple[str, Callable[[], Any]]]

STARTS: Doors = [
    ("time.sleep()", lambda: time.sleep(1)),
    ("time.sleep()", lambda: time.sleep(0)),
    ("time.sleep()", lambda: sleep(1)),
    ("threading.Thread.start()", lambda: threading.Thread(target=print).start()),
    ("threading.Timer.start()", lambda: threading.Timer(1, print).start()),
    ("_thread.start_new_thread()", lambda: thread.start_new_thread(print, ())),
    ("concurrent.futures.ThreadPoolExecutor.submit()", lambda: pool().submit(print)),
    ("concurrent.futures.ThreadPoolExecutor.map()", lambda: pool().map(print, [1])),
    ("multiprocessing.Process.start()", lambda: multiprocessing.Process(target=print).start()),
    ("multiprocessing.Pool()", lambda: multiprocessing.Pool(1)),
    ("multiprocessing.context.SpawnProcess.start()", lambda: spawn.Process(target=print).start()),
    ("multiprocessing.Manager()", lambda: multiprocessing.Manager()),
    ("multiprocessing.JoinableQueue.put()", lambda: joinable().put(1)),
    ("os.fork()", lambda: os.fork()),
    ("os.forkpty()", lambda: os.forkpty()),
    ("pty.fork()", lambda: pty.fork()),
    ("pty.spawn()", lambda: pty.spawn("true")),
    ("os.system()", lambda: os.system("true")),
    ("os.popen()", lambda: os.popen("true")),
    ("os.posix_spawn()", lambda: os.posix_spawn("/bin/true", ["true"], {})),
    ("os.posix_spawnp()", lambda: os.posix_spawnp("true", ["true"], {})),
    ("os.spawnlp()", lambda: os.spawnlp(os.P_WAIT, "true", "true")),
    ("os.execvp()", lambda: os.execvp("true", ["true"])),
    ("os.exec()", lambda: os.execv("/bin/true", ["true"])),
    ("subprocess.run()", lambda: subprocess.run(["true"], check=True)),
    ("subprocess.check_output()", lambda: subprocess.check_output(["true"])),
    ("subprocess.Popen()", lambda: subprocess.Popen(["true"])),
    ("webbrowser.GenericBrowser.open()", lambda: webbrowser.get("true %s").open("http://localhost")),
    ("socket.socket()", lambda: socket.socket()),
    ("socket.socketpair()", lambda: socket.socketpair()),
    ("socket.create_connection()", lambda: socket.create_connection(("127.0.0.1", 1))),
    ("socket.create_server()", lambda: socket.create_server(("127.0.0.1", 0))),
    ("socket.getaddrinfo()", lambda: socket.getaddrinfo("localhost", 1)),
    ("socket.gethostbyname()", lambda: socket.gethostbyname("localhost")),
    ("socket.getfqdn()", lambda: socket.getfqdn("localhost")),
    ("urllib.request.urlopen()", lambda: urllib.request.urlopen("http://localhost:1")),
    ("input()", lambda: input("name? ")),
    ("sys.stdin.readline()", lambda: sys.stdin.readline()),
    ("sys.stdin.readline()", lambda: next(iter(sys.stdin))),
    ("os.kill()", lambda: os.kill(os.getpid(), 0)),
    ("os.killpg()", lambda: os.killpg(os.getpgrp(), 0)),
    ("signal.raise_signal()", lambda: signal.raise_signal(signal.SIGCONT)),
    ("signal.pthread_kill()", lambda: signal.pthread_kill(threading.get_ident(), 0)),
    ("signal.signal()", lambda: signal.signal(signal.SIGUSR1, print)),
    ("signal.alarm()", lambda: signal.alarm(1)),
    ("signal.setitimer()", lambda: signal.setitimer(signal.ITIMER_REAL, 1)),
    ("open()", lambda: open("/dev/urandom", "rb")),  # noqa: SIM115
    ("pathlib.PosixPath.read_bytes()", lambda: Path("/dev/random").read_bytes()),
    ("pathlib.PosixPath.read_text()", lambda: Path("/proc/sys/kernel/random/uuid").read_text()),
    ("loop.run_in_executor(print)", lambda: asyncio.get_running_loop().run_in_executor(None, print)),
    ("loop.run_in_executor(print)", lambda: asyncio.to_thread(print, 1)),
    ("loop.create_connection()", lambda: asyncio.open_connection("127.0.0.1", 1)),
    ("loop.create_server()", lambda: asyncio.start_server(print, "127.0.0.1", 0)),
    ("loop.subprocess_exec()", lambda: asyncio.create_subprocess_exec("true")),
    ("loop.subprocess_shell()", lambda: asyncio.create_subprocess_shell("true")),
    ("loop.getaddrinfo()", lambda: asyncio.get_running_loop().getaddrinfo("localhost", 1)),
    ("loop.add_reader()", lambda: asyncio.get_running_loop().add_reader(0, print)),
    ("loop.add_signal_handler()", lambda: asyncio.get_running_loop().add_signal_handler(10, print)),
]


def refused(name: str, step: Callable[[], Any], *, waits: bool = False) -> None:
    result = ends_in(step, waits=waits)
    (failure,) = result.failures
    assert failure.exception.startswith(f"NondeterminismError: {name} "), failure.exception
    assert result.exit_status == 1


def named(doors: Doors) -> list[Any]:
    return [pytest.param(name, step, id=f"{number}-{name}") for number, (name, step) in enumerate(doors)]


@pytest.mark.parametrize("name, step", named(STARTS))
@pytest.mark.parametrize("waits", [False, True])
def test_what_no_seed_can_repeat_is_refused_by_name(name: str, step: Callable[[], Any], waits: bool) -> None:
    refused(name, step, waits=waits)


def held_lock(lock: Any) -> Any:
    lock.acquire()
    return lock


def again(make: Callable[[], Any]) -> Callable[[], None]:
    """A step that takes twice what can be had once."""

    def step() -> None:
        lock = make()
        with lock, lock:
            pass

    return step


def filled(size: int) -> queue.Queue[int]:
    made: queue.Queue[int] = queue.Queue(size)
    made.put(1)
    return made


def pending() -> concurrent.futures.Future[int]:
    return concurrent.futures.Future()


def joinable() -> Any:
    return multiprocessing.JoinableQueue()


opened: list[Any] = []
"""What steps have opened and others hold on to, for the fixture to close."""


def pipe_end() -> int:
    ends = os.pipe()
    opened.extend(map(os.fdopen, ends))
    return ends[0]


def connected() -> connection.Connection:
    ends = multiprocessing.Pipe(duplex=False)
    opened.extend(ends)
    return ends[0]


def poller(kind: Callable[[], Any]) -> Any:
    made = kind()
    if hasattr(made, "close"):
        opened.append(made)
    made.register(pipe_end(), select.POLLIN)
    return made


def selector(kind: Callable[[], selectors.BaseSelector]) -> selectors.BaseSelector:
    made = kind()
    if hasattr(made, "close"):
        opened.append(made)
    made.register(pipe_end(), selectors.EVENT_READ)
    return made


def flocked(lock: Any) -> Any:
    """A step that wants what another open description has locked."""

    def step() -> None:
        with open(__file__) as one, open(__file__) as other:
            lock(one, fcntl.LOCK_EX if lock is fcntl.flock else fcntl.LOCK_SH)
            lock(other, fcntl.LOCK_EX)

    return step


def in_condition(wait: Callable[[threading.Condition], Any]) -> Any:
    made = threading.Condition()
    with made:
        return wait(made)


WAITS: Doors = [
    ("queue.Queue.get()", lambda: queue.Queue[int]().get()),
    ("queue.Queue.get()", lambda: queue.Queue[int]().get(timeout=5)),
    ("queue.LifoQueue.get()", lambda: queue.LifoQueue[int]().get()),
    ("queue.Queue.put()", lambda: filled(1).put(2)),
    ("queue.Queue.join()", lambda: filled(2).join()),
    ("queue.SimpleQueue.get()", lambda: queue.SimpleQueue[int]().get()),
    ("queue.SimpleQueue.get()", lambda: SimpleQueue[int]().get(timeout=1)),
    ("threading.Event.wait()", lambda: threading.Event().wait()),
    ("threading.Event.wait()", lambda: threading.Event().wait(1)),
    ("threading.Condition.wait()", lambda: in_condition(lambda made: made.wait())),
    ("threading.Condition.wait_for()", lambda: in_condition(lambda made: made.wait_for(lambda: False))),
    ("threading.Semaphore.acquire()", lambda: threading.Semaphore(0).acquire()),
    ("threading.BoundedSemaphore.acquire()", again(threading.BoundedSemaphore)),
    ("threading.Barrier.wait()", lambda: threading.Barrier(2).wait()),
    ("threading.Lock.acquire()", again(lambda: threading.Lock())),
    ("threading.Lock.acquire()", again(lambda: Lock())),
    ("threading.Lock.acquire()", again(lambda: thread.allocate_lock())),
    ("threading.Lock.acquire()", again(lambda: LOCK)),
    ("threading.Lock.acquire()", lambda: held_lock(threading.Lock()).acquire(timeout=3)),
    ("threading.Thread.join()", lambda: threading.main_thread().join()),
    ("concurrent.futures.Future.result()", lambda: pending().result()),
    ("concurrent.futures.Future.exception()", lambda: pending().exception(timeout=3)),
    ("concurrent.futures.wait()", lambda: concurrent.futures.wait([pending()])),
    ("concurrent.futures.as_completed()", lambda: list(concurrent.futures.as_completed([pending()]))),
    ("multiprocessing.Lock.acquire()", again(lambda: multiprocessing.Lock())),
    ("multiprocessing.Semaphore.acquire()", lambda: multiprocessing.Semaphore(0).acquire()),
    ("multiprocessing.Event.wait()", lambda: multiprocessing.Event().wait()),
    ("multiprocessing.Queue.get()", lambda: multiprocessing.Queue().get()),
    ("multiprocessing.Queue.get()", lambda: multiprocessing.Queue().get(timeout=1)),
    ("multiprocessing.SimpleQueue.get()", lambda: multiprocessing.SimpleQueue().get()),
    ("multiprocessing.connection.Connection.recv()", lambda: connected().recv()),
    ("multiprocessing.connection.Connection.poll()", lambda: connected().poll(1)),
    ("multiprocessing.connection.wait()", lambda: connection.wait([connected()])),
    ("select.select()", lambda: select.select([pipe_end()], [], [])),
    ("select.select()", lambda: select.select([], [], [], 1)),
    ("select.poll.poll()", lambda: poller(select.poll).poll()),
    ("select.poll.poll()", lambda: poller(lambda: select.poll()).poll(5)),
    ("select.epoll.poll()", lambda: poller(lambda: select.epoll()).poll(-1)),
    ("selectors.EpollSelector.select()", lambda: selector(lambda: selectors.DefaultSelector()).select()),
    ("selectors.PollSelector.select()", lambda: selector(lambda: selectors.PollSelector()).select(5)),
    ("selectors.SelectSelector.select()", lambda: selector(lambda: selectors.SelectSelector()).select(5)),
    ("os.wait()", lambda: os.wait()),
    ("os.waitpid()", lambda: os.waitpid(-1, 0)),
    ("os.waitid()", lambda: os.waitid(os.P_ALL, 0, os.WEXITED)),
    ("os.read()", lambda: os.read(pipe_end(), 1)),
    ("fcntl.flock()", flocked(fcntl.flock)),
    ("signal.pause()", lambda: signal.pause()),
    ("signal.sigwait()", lambda: signal.sigwait([signal.SIGUSR1])),
    ("signal.sigtimedwait()", lambda: signal.sigtimedwait([signal.SIGUSR1], 1)),
]


@pytest.fixture
def tidy() -> Iterator[None]:
    """Closes what a refused step has opened."""
    yield
    while opened:
        opened.pop().close()
    for lock in (LOCK, REENTRANT):
        with contextlib.suppress(RuntimeError):
            lock.release()


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize("name, step", named(WAITS))
def test_what_would_wait_for_ever_is_refused_by_name(name: str, step: Callable[[], Any]) -> None:
    refused(name, step)


@pytest.mark.usefixtures("tidy")
def test_a_lock_that_another_handler_holds_is_not_waited_for() -> None:
    @distbench.distbench
    class Holds(Algorithm):
        def __init__(self) -> None:
            super().__init__()
            self.lock = Lock()

        async def on_start(self) -> None:
            task = asyncio.create_task(self.take())
            await self.take()
            await task

        async def take(self) -> None:
            with self.lock:
                await asyncio.sleep(1)

    (failure,) = distbench.run(Holds, ONE).failures
    assert "threading.Lock.acquire() inside a simulated node" in failure.exception


@pytest.mark.usefixtures("tidy")
def test_a_lock_that_another_thread_holds_is_not_waited_for() -> None:
    with elsewhere(LOCK):
        refused("threading.Lock.acquire()", lambda: LOCK.acquire())
    with elsewhere(REENTRANT):
        refused("threading.RLock.acquire()", lambda: REENTRANT.acquire())


@contextlib.contextmanager
def elsewhere(held: contextlib.AbstractContextManager[Any]) -> Iterator[None]:
    """A thread that holds it."""
    ready, over = threading.Event(), threading.Event()

    def run() -> None:
        with held:
            ready.set()
            over.wait()

    other = threading.Thread(target=run)
    other.start()
    ready.wait()
    try:
        yield
    finally:
        over.set()
        other.join()


# -------------------------------------------------- what passes


def passes() -> None:
    """All that does not wait, as ever."""
    one: queue.Queue[int] = queue.Queue(1)
    one.put(1)
    with contextlib.suppress(queue.Full):
        one.put(2, block=False)
    assert one.get() == 1
    one.task_done()
    one.join()
    for attempt in (one.get_nowait, lambda: one.get(timeout=0)):
        with pytest.raises(queue.Empty):
            attempt()
    simple: queue.SimpleQueue[int] = queue.SimpleQueue()
    simple.put(1)
    assert (isinstance(simple, SimpleQueue), simple.get(), simple.empty()) == (True, 1, True)
    with pytest.raises(queue.Empty):
        simple.get(timeout=0)
    event = threading.Event()
    assert not event.wait(0)
    assert not event.wait(-1)
    event.set()
    assert event.wait()
    future = pending()
    with pytest.raises(concurrent.futures.TimeoutError):
        future.result(0)
    future.set_result(1)
    assert future.result() == 1
    assert concurrent.futures.wait([future]).done == {future}
    assert list(concurrent.futures.as_completed([future])) == [future]
    assert threading.Barrier(1).wait() == 0
    semaphore = threading.Semaphore(1)
    assert (semaphore.acquire(), semaphore.acquire(blocking=False)) == (True, False)


def locks_pass() -> None:
    for lock in (threading.Lock(), Lock(), thread.allocate_lock(), LOCK):
        assert lock.acquire()
        assert lock.locked()
        assert not lock.acquire(False)
        assert not lock.acquire(blocking=False)
        assert not lock.acquire(timeout=0)
        lock.release()
        with lock:
            pass
        assert not lock.locked()
    for lock in (threading.RLock(), REENTRANT):
        with lock, lock:
            assert lock.acquire(False)
            lock.release()
    for lock in (threading.Lock(), threading.RLock(), None):
        condition = threading.Condition(lock)
        with condition:
            assert not condition.wait(0)
            assert condition.wait_for(lambda: True)
            condition.notify_all()
    with multiprocessing.Lock(), multiprocessing.RLock(), multiprocessing.Semaphore(2):
        pass
    assert not multiprocessing.Semaphore(0).acquire(block=False)


def system_passes() -> None:
    reading, writing = os.pipe()
    try:
        poll, epoll, selector = select.poll(), select.epoll(), selectors.DefaultSelector()
        poll.register(reading, select.POLLIN)
        epoll.register(reading, select.EPOLLIN)
        selector.register(reading, selectors.EVENT_READ)
        assert select.select([reading], [], [], 0) == ([], [], [])
        assert (poll.poll(0), epoll.poll(0), selector.select(0)) == ([], [], [])
        os.write(writing, b"ab")
        assert select.select([reading], [], []) == ([reading], [], [])
        assert [len(each) for each in (poll.poll(), epoll.poll(), selector.select())] == [1, 1, 1]
        assert (os.read(reading, 1), os.read(reading, 1)) == (b"a", b"b")
        selector.close()
        epoll.close()
    finally:
        os.close(reading)
        os.close(writing)
    end, start = multiprocessing.Pipe(duplex=False)
    assert not end.poll(0)
    start.send(1)
    assert (end.poll(5), end.recv()) == (True, 1)
    end.close()
    start.close()
    with open(__file__) as file:
        assert os.read(file.fileno(), 1) == b'"'
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.flock(file, fcntl.LOCK_UN)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert signal.sigtimedwait([signal.SIGUSR1], 0) is None


@pytest.mark.parametrize("step", [passes, locks_pass, system_passes])
def test_what_does_not_wait_passes(step: Callable[[], None]) -> None:
    assert ends_in(step).outcome is Outcome.COMPLETED


def test_logging_and_imports_take_their_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "imported_in_a_step.py").write_text("import logging\nlogging.getLogger('made').warning('hello')\n")

    def step() -> None:
        importlib.import_module("imported_in_a_step")

    assert ends_in(step).failures == ()


# -------------------------------------------------- bound early, and elsewhere

TOLD_BY_PYTHON = [
    ("os.system()", "from os import system as run", "run('true')"),
    ("os.fork()", "from os import fork as run", "run()"),
    ("socket.socket()", "from socket import socket as run", "run()"),
    ("socket.getaddrinfo()", "from socket import getaddrinfo as run", "run('localhost', 1)"),
    ("subprocess.run()", "from subprocess import run", "run(['true'])"),
    ("input()", "run = input", "run()"),
    ("os.kill()", "from os import kill as run", "run(1, 0)"),
    ("threading.Event.wait()", "from threading import Event\nrun = Event().wait", "run()"),
    ("queue.Queue.get()", "from queue import Queue\nrun = Queue().get", "run()"),
]
if sys.version_info >= (3, 13):
    TOLD_BY_PYTHON += [
        ("time.sleep()", "from time import sleep as nap", "nap(1)"),
        ("_thread.start_new_thread()", "from _thread import start_new_thread as run", "run(print, ())"),
    ]


@pytest.mark.parametrize("name, binding, call", TOLD_BY_PYTHON)
def test_what_was_bound_early_in_another_module_is_refused(name: str, binding: str, call: str, tmp_path: Path) -> None:
    (tmp_path / "early.py").write_text(f"{binding}\nTABLE = [lambda: {call}]\n")
    spec = importlib.util.spec_from_file_location("early", tmp_path / "early.py")
    assert spec is not None
    assert spec.loader is not None
    early = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(early)
    refused(name, early.TABLE[0])


def test_other_threads_may_do_all_of_it_during_a_run() -> None:
    seen: list[object] = []
    began, done = threading.Event(), threading.Event()

    def outside() -> None:
        began.wait()
        try:
            time.sleep(0)
            child = threading.Thread(target=seen.append, args=["thread"])
            child.start()
            child.join()
            with pool() as executor:
                seen.append(executor.submit(len, "pool").result())
            socket.socket().close()
            subprocess.run(["true"], check=True)
            seen.append(os.system("true"))
            box: queue.Queue[str] = queue.Queue()
            threading.Timer(0, box.put, ["queue"]).start()
            seen.append(box.get(timeout=60))
            simple: queue.SimpleQueue[str] = queue.SimpleQueue()
            threading.Timer(0, simple.put, ["simple"]).start()
            seen.append(simple.get(timeout=60))
            reading, writing = os.pipe()
            threading.Timer(0, os.write, [writing, b"pipe"]).start()
            seen.append(select.select([reading], [], [], 60)[0] == [reading])
            seen.append(os.read(reading, 4))
            os.close(reading)
            os.close(writing)
            lock = threading.Lock()
            lock.acquire()
            seen.append(lock.acquire(timeout=0.001))
        finally:
            done.set()

    other = threading.Thread(target=outside)
    other.start()

    def step() -> None:
        began.set()
        assert contextvars.Context().run(done.wait, 60)

    run_at_a_node(step)
    other.join()
    assert seen == ["thread", 4, 0, "queue", "simple", True, b"pipe", False]


def test_outside_of_runs_nothing_is_refused() -> None:
    ends_in(bool)
    time.sleep(0)
    socket.socket().close()
    subprocess.run(["true"], check=True)
    with elsewhere(contextlib.nullcontext()):
        pass
    assert type(threading.Lock()) is type(LOCK)


def test_a_debugger_reads_from_its_user(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told = iter(["p 6 * 7", "import time; time.sleep(0)", "c"])
    monkeypatch.setattr(builtins, "input", lambda prompt="": told_by(told))

    def told_by(lines: Iterator[str]) -> str:
        sys.audit("builtins.input", "")  # as the real one does
        return next(lines)

    def step() -> None:
        pdb.Pdb(nosigint=True, readrc=False).set_trace()
        assert list(told) == []

    assert ends_in(step).failures == ()
    assert "42" in capsys.readouterr().out
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:  # the outermost stays marked as looked at
        frame.f_trace, frame = None, frame.f_back


def test_a_handler_of_signals_does_what_it_likes() -> None:
    """It may come in the middle of a step, as that of a tool that measures."""
    seen: list[float] = []

    def handle(number: int, frame: types.FrameType | None) -> None:
        time.sleep(0)
        seen.append(signal.setitimer(signal.ITIMER_REAL, 0)[0])

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        step = lambda: contextvars.Context().run(signal.raise_signal, signal.SIGUSR1)  # noqa: E731
        assert ends_in(step).failures == ()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [0.0]


def test_a_step_reads_what_is_no_device_and_no_standard_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")

    def step() -> None:
        assert (tmp_path / "file").read_text() == "text"
        assert io.StringIO("line").readline() == "line"
        assert sys.stdin is not None
        assert isinstance(sys.stdin.encoding, str)

    assert ends_in(step).failures == ()
