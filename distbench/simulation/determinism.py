"""What a step of a simulated node must not take from the real world: clock, entropy, threads, sockets, processes.

While a run lasts, functions of the standard library are replaced by ones that ask whose step is running: inside a
node's step they answer from the simulation, everywhere else (other threads, the framework) they do what they did.
Names that the algorithm's modules bound earlier (``from time import time``) are replaced there as well. All of it
is taken back at the end; runs in several threads share one set of replacements.
"""

from __future__ import annotations

import asyncio
import datetime as _datetime
import os
import random
import socket
import subprocess
import threading
import time
import uuid
from abc import ABCMeta
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn, Protocol, cast

from distbench.community import PeerId
from distbench.errors import NondeterminismError
from distbench.node.current import current_node
from distbench.simulation.futures import SimGathering


class SimulatedNode(Protocol):
    """A node whose clock and entropy come from a simulation."""

    @property
    def node_id(self) -> PeerId: ...
    def now_ns(self) -> int: ...
    def entropy(self, size: int) -> bytes: ...


def _node() -> SimulatedNode | None:
    return cast("SimulatedNode | None", current_node.get())


def _clock(real: Callable[[], Any], seconds: bool) -> Callable[[], Any]:
    def clock() -> Any:
        node = _node()
        if node is None:
            return real()
        return node.now_ns() / 1e9 if seconds else node.now_ns()

    return clock


def _clock_of(real: Callable[[int], Any], unit: float) -> Callable[[int], Any]:
    """One of the system's clocks by its number: a node has only one."""

    def clock(number: int, /) -> Any:
        node = _node()
        return real(number) if node is None else node.now_ns() / unit if unit > 1 else node.now_ns()

    return clock


def _urandom(real: Callable[..., bytes]) -> Callable[..., bytes]:
    def urandom(size: int, /, *flags: int) -> bytes:
        node = _node()
        return real(size, *flags) if node is None else node.entropy(size)

    return urandom


def _uuid1(real: Callable[..., uuid.UUID]) -> Callable[..., uuid.UUID]:
    def uuid1(node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
        simulated = _node()
        if simulated is None:
            return real(node, clock_seq)
        ticks = simulated.now_ns() // 100 + 0x01B21DD213814000
        sequence = int.from_bytes(simulated.entropy(2), "big") % 2**14 if clock_seq is None else clock_seq
        hardware = int.from_bytes(simulated.entropy(6), "big") | 1 << 40 if node is None else node
        fields = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF)
        return uuid.UUID(fields=(*fields, sequence >> 8 & 0x3F, sequence & 0xFF, hardware), version=1)

    return uuid1


def _forbidden(real: Callable[..., Any], name: str, instead: str) -> Callable[..., Any]:
    def guarded(*args: Any, **named: Any) -> Any:
        node = _node()
        if node is not None:
            _refuse(name, instead)
        return real(*args, **named)

    return guarded


def _refuse(name: str, instead: str) -> NoReturn:
    raise NondeterminismError(f"{name} inside a simulated node, which no seed can repeat; {instead}")


def _seed(real: Callable[..., None]) -> Callable[..., None]:
    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        node = _node()
        if a is None and node is not None:
            a = int.from_bytes(node.entropy(32), "big")
        real(self, a, version)

    return seed


def _all_tasks(real: Callable[..., set[Any]]) -> Callable[..., set[Any]]:
    """A node sees its own tasks, as it would in a process of its own."""

    def all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[Any]:
        node = _node()
        if node is None:
            return real(loop)
        found = {task for task in real(loop) if getattr(task, "node", None) is node}
        return found | {asyncio.current_task()} - {None}

    return all_tasks


def _as_completed(real: Callable[..., Any]) -> Callable[..., Any]:
    """The original makes tasks of its coroutines in the order of a set."""

    def as_completed(fs: Iterable[Any], *, timeout: float | None = None) -> Any:
        if _node() is not None and not (asyncio.isfuture(fs) or asyncio.iscoroutine(fs)):
            fs = [asyncio.ensure_future(each) for each in dict.fromkeys(fs)]
        return real(fs, timeout=timeout)

    return as_completed


class _Replacement(ABCMeta):  # and so no metaclass conflict for who inherits from an ABC as well
    """The class that stands in for the one it inherits from: whatever is an instance of that is one of this."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **named: Any) -> Any:
        if not any(isinstance(base, mcs) for base in bases):
            return super().__new__(mcs, name, bases, namespace, **named)
        # A class that is defined while a run lasts outlives it, so it inherits from what will be there then.
        originals = tuple(base.__mro__[1] if isinstance(base, mcs) else base for base in bases)
        return type(name, originals, namespace, **named)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__mro__[1])


class _Future(asyncio.Future[Any], metaclass=_Replacement):
    """``asyncio.Future()`` of a node: the loop makes it, so that it hashes by its number."""

    def __new__(cls, *, loop: asyncio.AbstractEventLoop | None = None) -> Any:
        return _REAL_FUTURE(loop=loop) if _node() is None else (loop or asyncio.get_running_loop()).create_future()


class _Task(asyncio.Task[Any], metaclass=_Replacement):
    """``asyncio.Task(...)`` of a node, made by the loop as well."""

    def __new__(cls, coro: Any, *, loop: asyncio.AbstractEventLoop | None = None, **named: Any) -> Any:
        if _node() is None:
            return _REAL_TASK(coro, loop=loop, **named)
        named.pop("eager_start", None)
        return (loop or asyncio.get_running_loop()).create_task(coro, **named)


_REAL_FUTURE: Final = asyncio.Future
_REAL_TASK: Final = asyncio.Task


def _gathering(real: Callable[..., Any]) -> Callable[..., Any]:
    def gathering(children: Any, *, loop: Any) -> Any:
        return (real if _node() is None else SimGathering)(children, loop=loop)

    return gathering


class _Here(threading.local):
    """What module-level ``random`` draws from in a run of this thread."""

    random = random.Random(0)


_here = _Here()


def _shared(real: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function of the module ``random``."""

    def drawn(*args: Any, **named: Any) -> Any:
        return (real if _node() is None else getattr(_here.random, name))(*args, **named)

    return drawn


def _calendar(real: Callable[..., Any], arguments: int) -> Callable[..., Any]:
    """A function of ``time`` that takes the present where its last argument is left out."""

    def calendar(*args: Any) -> Any:
        node = _node()
        if node is not None and (len(args) < arguments or args[-1] is None):
            now = node.now_ns() / 1e9
            args = (*args[: arguments - 1], _REAL_LOCALTIME(now) if real in _TAKE_FIELDS else now)
        return real(*args)

    return calendar


_REAL_LOCALTIME = time.localtime
_TAKE_FIELDS = (time.strftime, time.asctime)


_REAL_DATETIME: Final = _datetime.datetime
_REAL_DATE: Final = _datetime.date
_EPOCH = _REAL_DATETIME(1970, 1, 1)


class _Datetime(_datetime.datetime, metaclass=_Replacement):
    @classmethod
    def now(cls, tz: _datetime.tzinfo | None = None) -> Any:
        node = _node()
        if node is None:
            return _REAL_DATETIME.now(tz)
        at = _EPOCH + _datetime.timedelta(microseconds=node.now_ns() // 1000)
        return at if tz is None else at.replace(tzinfo=_datetime.UTC).astimezone(tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now() if _node() is not None else _REAL_DATETIME.now(_datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()

    def __new__(cls, *args: Any, **named: Any) -> Any:
        return _REAL_DATETIME(*args, **named)


class _Date(_datetime.date, metaclass=_Replacement):
    @classmethod
    def today(cls) -> Any:
        return _Datetime.now().date()

    def __new__(cls, *args: Any, **named: Any) -> Any:
        return _REAL_DATE(*args, **named)


_ASYNC = "use 'await asyncio.sleep(...)'"
_NO_THREAD = "use 'asyncio.create_task(...)'"
_NO_NETWORK = "use self.peers to reach other nodes"
_NO_PROCESS = "compute it before the run and pass it by the config"


def _replacements() -> list[tuple[Any, str, Any]]:
    """Owner, name and replacement of all that is replaced."""
    found: list[tuple[Any, str, Any]] = []
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        found.append((time, name, _clock(getattr(time, name), True)))
        found.append((time, f"{name}_ns", _clock(getattr(time, f"{name}_ns"), False)))
    for name, arguments in (("localtime", 1), ("gmtime", 1), ("ctime", 1), ("asctime", 1), ("strftime", 2)):
        found.append((time, name, _calendar(getattr(time, name), arguments)))
    for name, value in list(vars(random).items()):
        if getattr(value, "__self__", None) is random._inst:
            found.append((random, name, _shared(value, name)))
    found += [
        (time, "sleep", _forbidden(time.sleep, "time.sleep()", _ASYNC)),
        (os, "urandom", _urandom(os.urandom)),
        (random, "_urandom", _urandom(os.urandom)),
        (random.Random, "seed", _seed(random.Random.seed)),
        *((owner, "all_tasks", _all_tasks(asyncio.all_tasks)) for owner in (asyncio, asyncio.tasks)),
        *((owner, "as_completed", _as_completed(asyncio.as_completed)) for owner in (asyncio, asyncio.tasks)),
        (asyncio, "Future", _Future),
        (asyncio, "Task", _Task),
        (asyncio.tasks, "_GatheringFuture", _gathering(asyncio.tasks._GatheringFuture)),  # type: ignore[attr-defined]
        (uuid, "uuid1", _uuid1(uuid.uuid1)),
        (_datetime, "datetime", _Datetime),
        (_datetime, "date", _Date),
        (threading.Thread, "start", _forbidden(threading.Thread.start, "threading.Thread.start()", _NO_THREAD)),
        (socket.socket, "__init__", _forbidden(socket.socket.__init__, "socket.socket()", _NO_NETWORK)),
        (subprocess.Popen, "__init__", _forbidden(subprocess.Popen.__init__, "subprocess.Popen()", _NO_PROCESS)),
        (os, "system", _forbidden(os.system, "os.system()", _NO_PROCESS)),
        (os, "popen", _forbidden(os.popen, "os.popen()", _NO_PROCESS)),
    ]
    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr"):
        found.append((socket, name, _forbidden(getattr(socket, name), f"socket.{name}()", _NO_NETWORK)))
    # Not every system has these.
    for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp"):
        if (real := getattr(os, name, None)) is not None:
            found.append((os, name, _forbidden(real, f"os.{name}()", _NO_PROCESS)))
    if hasattr(os, "getrandom"):
        found.append((os, "getrandom", _urandom(os.getrandom)))
    if hasattr(time, "clock_gettime"):
        found.append((time, "clock_gettime", _clock_of(time.clock_gettime, 1e9)))
        found.append((time, "clock_gettime_ns", _clock_of(time.clock_gettime_ns, 1)))
    return found


class _Replaced:
    """The replacements that are in force, counted by the runs that need them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._made: list[tuple[Any, str, Any]] | None = None
        self._originals: list[tuple[Any, str, Any]] = []
        self._bound: dict[int, Any] = {}
        self._rebound: list[tuple[dict[str, Any], str, Any]] = []
        self._state: Any = None

    def enter(self, namespaces: Iterable[dict[str, Any]], random_seed: int) -> None:
        """Put them in force, in ``namespaces`` also for names that were bound earlier."""
        with self._lock:
            if self._made is None:
                self._made = _replacements()
            if self._runs == 0:
                self._originals = [(owner, name, vars(owner)[name]) for owner, name, _ in self._made]
                originals = self._originals
                self._bound = {
                    id(original): new
                    for (owner, _, original), (_, _, new) in zip(originals, self._made, strict=True)
                    if not isinstance(owner, type)
                }
                for owner, name, replacement in self._made:
                    setattr(owner, name, replacement)
                # For whoever bound a function of ``random`` where nothing is rebound, in a library for instance.
                self._state = random._inst.getstate()
                random._inst.seed(random_seed)
            self._runs += 1
            for names in namespaces:
                for name, value in list(names.items()):
                    replacement = self._bound.get(id(value))
                    if replacement is not None:
                        self._rebound.append((names, name, value))
                        names[name] = replacement

    def leave(self) -> None:
        """Take them back, with the last run that needed them."""
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                for names, name, value in self._rebound:
                    names[name] = value
                self._rebound.clear()
                random._inst.setstate(self._state)
                for owner, name, original in self._originals:
                    setattr(owner, name, original)


_replaced = _Replaced()


@contextmanager
def controlled(namespaces: Iterable[dict[str, Any]], random_seed: int) -> Iterator[None]:
    """Clock, entropy and module-level ``random`` under the simulation's control, for steps of nodes only."""
    outer = _here.random
    _replaced.enter(namespaces, random_seed)
    _here.random = random.Random(random_seed)
    try:
        yield
    finally:
        _replaced.leave()
        _here.random = outer
