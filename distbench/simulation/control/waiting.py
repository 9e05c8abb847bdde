"""Functions that block their thread: they pass where they would not wait, and are refused by name where they would.

Nothing that happens in a simulated run could end such a wait: it would last for ever, or until another thread comes.
"""

from __future__ import annotations

import contextvars
import os
import queue
import select
import selectors
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any, Final

from distbench.simulation.control.naming import by_library
from distbench.simulation.control.refusals import refuse_wait, refuses
from distbench.simulation.control.standin import StandIn, StandInClass

_Wait = Callable[..., Any]


def stand_ins() -> Iterator[StandIn]:
    """Of what waits for another thread, another process, or the system."""
    # Event, Semaphore, Barrier, Queue, and futures of concurrent.futures come down to it.
    yield StandIn(threading.Condition, "wait", _condition_wait(threading.Condition.wait))
    yield StandIn(threading.Thread, "join", _thread_join(threading.Thread.join))
    thread = sys.modules["_thread"]
    for owner, name in ((threading, "Lock"), (thread, "allocate_lock"), (thread, "allocate")):
        yield StandIn(owner, name, _Lock)
    for owner, name in ((threading, "RLock"), (thread, "RLock")):
        yield StandIn(owner, name, _maker(getattr(owner, name), _Reentrant))
    yield StandIn(queue, "SimpleQueue", _SimpleQueue)
    yield StandIn(select, "select", _select(select.select))
    for name in ("poll", "epoll", "devpoll", "kqueue"):
        if hasattr(select, name):  # each system has its own
            yield StandIn(select, name, _maker(getattr(select, name), _Poll))
    for cls in _own(selectors.BaseSelector, "select"):
        yield StandIn(cls, "select", _selector_select(cls.select))
    for name, argument in (("wait", 0), ("wait3", 0), ("wait4", 1), ("waitpid", 1), ("waitid", 2)):
        if hasattr(os, name):
            yield StandIn(os, name, _child(getattr(os, name), name, argument))
    for name in ("pause", "sigwait", "sigwaitinfo", "sigtimedwait"):
        if hasattr(signal, name):
            yield StandIn(signal, name, _signal(getattr(signal, name), name))
    for name in ("read", "readv"):
        if hasattr(os, name):
            yield StandIn(os, name, _read(getattr(os, name), f"os.{name}()"))


def of_input() -> Iterator[StandIn]:
    """Of ``sys.stdin``, which is another now and then."""
    if sys.stdin is not None and not isinstance(sys.stdin, _Input):
        yield StandIn(sys, "stdin", _Input(sys.stdin))


def of_connections(module: ModuleType) -> Iterator[StandIn]:
    """Of ``multiprocessing.connection``."""
    connection = module._ConnectionBase
    for name in ("recv", "recv_bytes", "recv_bytes_into"):
        label = f"multiprocessing.connection.Connection.{name}()"
        yield StandIn(connection, name, _receive(getattr(connection, name), label, connection.poll))
    yield StandIn(connection, "poll", _connection_poll(connection.poll))
    yield StandIn(module, "wait", _connection_wait(module.wait))


def of_semaphores(module: ModuleType) -> Iterator[StandIn]:
    """Of ``multiprocessing.synchronize``."""
    semaphore = module.SemLock
    real = semaphore._make_methods

    def make_methods(self: Any) -> None:
        real(self)
        self.acquire = _acquire(self.acquire, f"multiprocessing.{type(self).__name__}.acquire()")

    yield StandIn(semaphore, "_make_methods", make_methods)
    yield StandIn(semaphore, "__enter__", _enter_semaphore)
    yield StandIn(module.Condition, "wait", _condition_wait(module.Condition.wait, "multiprocessing"))


def _enter_semaphore(self: Any) -> Any:
    return _acquire(self._semlock.acquire, f"multiprocessing.{type(self).__name__}.acquire()")()


def _waits(timeout: float | None) -> bool:
    return (timeout is None or timeout > 0) and refuses()


# -------------------------------------------------- threads


def _condition_wait(real: _Wait, module: str = "threading") -> _Wait:
    def wait(self: Any, timeout: float | None = None) -> Any:
        if _waits(timeout):
            refuse_wait(f"{module}.Condition.wait()", sys._getframe(1))
        return real(self, timeout)

    return wait


def _thread_join(real: _Wait) -> _Wait:
    def join(self: threading.Thread, timeout: float | None = None) -> None:
        if _waits(timeout) and self.is_alive():
            refuse_wait("threading.Thread.join()", sys._getframe(1))
        real(self, timeout)

    return join


_PLAIN: Final = type(threading.Lock())
_REENTRANT: Final = type(threading.RLock())


def _acquire(real: _Wait, name: str) -> _Wait:
    """``acquire`` of any lock, which may wait unless it is told otherwise."""

    def acquire(*args: Any, **named: Any) -> Any:
        may_wait = args[0] if args else named.get("blocking", named.get("block", True))
        timeout = args[1] if len(args) > 1 else named.get("timeout")
        if not may_wait or timeout == 0 or not refuses():
            return real(*args, **named)
        if real(False):
            return True
        refuse_wait(name, sys._getframe(1))
        return real(*args, **named)

    return acquire


class _Guarded:
    """A lock that is never waited for within a step: made there, or found there by its name."""

    def __init__(self, real: Any, name: str) -> None:
        self._real = real
        self.acquire = _acquire(real.acquire, f"{name}.acquire()")

    def __enter__(self) -> Any:
        return self.acquire()

    def __exit__(self, *exception: object) -> None:
        self._real.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __repr__(self) -> str:
        return repr(self._real)


class _Reentrant(_Guarded):
    def __init__(self, real: Any) -> None:
        super().__init__(real, "threading.RLock")


class _LockClass(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _PLAIN) or type(instance) is cls


class _Lock(_Guarded, metaclass=_LockClass):
    """``threading.Lock``, which is a class since Python 3.13."""

    def __new__(cls, real: Any = None) -> Any:
        """Python's own library gets a real one: it holds it for a moment only."""
        if real is None and (not refuses() or by_library(sys._getframe(1))):
            return _REAL_LOCK()
        return super().__new__(cls)

    def __init__(self, real: Any = None) -> None:
        super().__init__(_REAL_LOCK() if real is None else real, "threading.Lock")


_REAL_LOCK: Final = threading.Lock


def guarded(value: object) -> object | None:
    """What stands for ``value`` in the names of a user's module while a run lasts: for a lock, one that guards it."""
    if type(value) is _PLAIN:
        return _Lock(value)
    return _Reentrant(value) if type(value) is _REENTRANT else None


def _maker(real: _Wait, guard: Callable[[Any], Any]) -> _Wait:
    """Makes what ``real`` makes, guarded if it is a user's in a step."""

    def make(*args: Any, **named: Any) -> Any:
        made = real(*args, **named)
        return guard(made) if refuses() and not by_library(sys._getframe(1)) else made

    return make


_REAL_SIMPLE_QUEUE: Final = queue.SimpleQueue


class _SimpleQueue(queue.SimpleQueue[Any], metaclass=StandInClass):
    def __new__(cls) -> Any:
        return super().__new__(cls) if refuses() else _REAL_SIMPLE_QUEUE()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if block and self.empty() and _waits(timeout):
            refuse_wait("queue.SimpleQueue.get()", sys._getframe(1))
        return super().get(block, timeout)


# -------------------------------------------------- the system


def _select(real: _Wait) -> _Wait:
    def select(rlist: Any, wlist: Any, xlist: Any, timeout: float | None = None, /) -> Any:
        if not _waits(timeout):
            return real(rlist, wlist, xlist, timeout)
        found = real(rlist, wlist, xlist, 0)
        return found if any(found) else _sleepless("select.select()", sys._getframe(1), found)

    return select


def _selector_select(real: _Wait) -> _Wait:
    def select(self: Any, timeout: float | None = None) -> Any:
        if not _waits(timeout):
            return real(self, timeout)
        found = real(self, 0)
        return found or _sleepless(f"selectors.{type(self).__name__}.select()", sys._getframe(1), found)

    return select


def _sleepless(name: str, frame: FrameType, found: Any) -> Any:
    """Nothing is ready, and nothing is waited for."""
    refuse_wait(name, frame)
    return found


class _Poll:
    """A poll object of a step."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def poll(self, timeout: float | None = None, *rest: Any) -> Any:
        if timeout is not None and timeout < 0:
            timeout = None
        if not _waits(timeout):
            return self._real.poll(timeout, *rest)
        found = self._real.poll(0, *rest)
        return found or _sleepless(f"select.{type(self._real).__name__}.poll()", sys._getframe(1), found)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __enter__(self) -> _Poll:
        self._real.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._real.__exit__(*exception)


def _own(cls: Any, name: str) -> Iterator[Any]:
    """The classes below ``cls`` that have a function ``name`` of their own."""
    each: Any
    for each in cls.__subclasses__():
        if name in vars(each) and each.__module__ == cls.__module__:
            yield each
        yield from _own(each, name)


def _child(real: _Wait, name: str, argument: int) -> _Wait:
    """A wait for a child process: a node has none."""

    def wait(*args: Any) -> Any:
        options = args[argument] if len(args) > argument else 0
        if not (isinstance(options, int) and options & os.WNOHANG) and refuses():
            refuse_wait(f"os.{name}()", sys._getframe(1))
        return real(*args)

    return wait


def _signal(real: _Wait, name: str) -> _Wait:
    def wait(*args: Any) -> Any:
        if _waits(args[1] if len(args) > 1 else None):
            refuse_wait(f"signal.{name}()", sys._getframe(1))
        return real(*args)

    return wait


def _read(real: _Wait, name: str) -> _Wait:
    def read(descriptor: int, what: Any, /) -> Any:
        if refuses() and os.get_blocking(descriptor) and not _is_ready(descriptor):
            refuse_wait(name, sys._getframe(1))
        return real(descriptor, what)

    return read


_REAL_POLL: Final = getattr(select, "poll", None)


def _is_ready(descriptor: int) -> bool:
    if _REAL_POLL is None:
        return True  # no system where a descriptor can be asked
    poll = _REAL_POLL()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _receive(real: _Wait, name: str, poll: _Wait) -> _Wait:
    def receive(self: Any, *args: Any) -> Any:
        if refuses() and not _at_once(poll, self):
            refuse_wait(name, sys._getframe(1))
        return real(self, *args)

    return receive


def _connection_poll(real: _Wait) -> _Wait:
    def poll(self: Any, timeout: float | None = 0.0) -> Any:
        if not refuses():
            return real(self, timeout)
        if not (ready := _at_once(real, self)) and _waits(timeout):
            refuse_wait("multiprocessing.connection.Connection.poll()", sys._getframe(1))
        return ready

    return poll


def _connection_wait(real: _Wait) -> _Wait:
    def wait(object_list: Any, timeout: float | None = None) -> Any:
        if not refuses():
            return real(object_list, timeout)
        if not (ready := _at_once(real, object_list)) and _waits(timeout):
            refuse_wait("multiprocessing.connection.wait()", sys._getframe(1))
        return ready

    return wait


def _at_once(wait: _Wait, what: Any) -> Any:
    """What ``wait`` gives without waiting; on the real clock, for it looks until some time has passed."""
    return contextvars.Context().run(wait, what, 0)


class _Input:
    """``sys.stdin``, from which a step reads nothing: it would wait for a person."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "readline", "readlines", "buffer", "detach") and refuses():
            refuse_wait(f"sys.stdin.{name}()", sys._getframe(1))
        return getattr(self._real, name)

    def __iter__(self) -> Iterator[Any]:
        if refuses():
            refuse_wait("sys.stdin.readline()", sys._getframe(1))
        return iter(self._real)
