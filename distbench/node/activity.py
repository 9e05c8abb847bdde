"""An event loop of a real mode that knows whether the algorithm on it still has something to do."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import math
import threading
import types
import weakref
from asyncio.tasks import _unregister_task
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Any, Final

from distbench.errors import DistbenchError
from distbench.node.current import NodeScope, current_node
from distbench.node.execution import Resumed, coroutine_of
from distbench.node.step import MOST_CASTS, Step

try:
    from uvloop import Loop as _Loop
except ImportError:  # not on Windows
    from asyncio import SelectorEventLoop as _Loop  # type: ignore[assignment]


_call_soon: Any = _Loop.call_soon
_OUTSIDE: Final = contextvars.Context()
"""Nobody's step."""
_PLAIN: Final = frozenset({types.FunctionType, types.MethodType, functools.partial})
"""Callbacks that may return a coroutine which nobody awaits; tasks and futures have others."""


class UserTimer:
    """A timer of the algorithm: counted while it is armed."""

    __slots__ = ("__weakref__", "_armed", "_handle", "_loop")

    def __init__(self, loop: NodeLoop) -> None:
        self._loop = loop
        self._armed = False
        self._handle: Any = None

    def armed(self, handle: Any) -> UserTimer:
        """The loop has taken it, which it may refuse; so only now does it count."""
        self._handle = handle
        self._armed = True
        self._loop.timers += 1
        return self

    def cancel(self) -> None:
        self._handle.cancel()
        self._disarm()

    def cancelled(self) -> bool:
        return bool(self._handle.cancelled())

    def when(self) -> float:
        return float(self._handle.when())

    def _disarm(self) -> None:
        if self._armed:
            self._armed = False
            self._loop.timers -= 1
            if not self._loop.timers:
                self._loop.on_activity()

    def _fire(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._disarm()
        self._loop.activity += 1
        callback(*args)


class NodeTask(asyncio.Task[Any]):
    """A task of the node's own code."""

    node: NodeScope

    def get_coro(self) -> Any:
        return coroutine_of(self)

    def cancel(self, msg: Any = None) -> bool:
        self.node.cuts = True  # type: ignore[attr-defined] # a scope in this process is a node
        return super().cancel(msg)


_LOOK_EVERY: Final = 50
"""Casts after which it is looked whose they are; a divisor of ``MOST_CASTS``."""


class WatchedStep(Step):
    """The present step of a loop that does not say when one begins.

    The steps of one turn of the loop belong to different tasks, and a callback of the loop shows that the turn is over.
    Fewer casts than ``_LOOK_EVERY`` may be counted together with those of the step before.
    """

    __slots__ = ("_loop", "_made", "_task")

    def __init__(self, loop: NodeLoop) -> None:
        super().__init__(pause=0.0)
        self._loop = loop
        self._over()

    def _over(self) -> None:
        self.casts = MOST_CASTS - _LOOK_EVERY
        self._made = 0
        self._task: object = None

    def full(self) -> Awaitable[None] | None:
        if not self._made:
            self._loop.look_soon(self._over)
        task = asyncio.current_task(self._loop)
        if task is not self._task:
            self._task, self._made = task, 0
        self._made += _LOOK_EVERY
        waits = None
        if self._made >= MOST_CASTS:
            waits = super().full()
            self._made = 0
        self.casts = MOST_CASTS - _LOOK_EVERY
        return waits


class NodeLoop(_Loop):
    """Counts the timers and executor jobs of the node's own code, and sees sockets that it opens itself."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[asyncio.Task[Any]] = []
        self._failed: list[tuple[weakref.ref[asyncio.Task[Any]], float]] = []
        self._threads: list[threading.Thread] = []
        self.step = WatchedStep(self)
        self.on_activity: Callable[[], None] = _nobody_listens

    timers = 0
    jobs = 0
    turns = 0
    """Calls of ``call_soon``: while their number grows, somebody hands work on from turn to turn."""
    _sweep_at = 256
    activity = 0
    """Timers that fired and jobs that ended."""
    _pooling = False
    foreign = False
    """The algorithm opened sockets or processes of its own: who knows what they will bring."""

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:  # type: ignore[override]
        self.turns += 1
        if callback.__class__ in _PLAIN:
            return _call_soon(self, _call, callback, *args, context=context)
        return _call_soon(self, callback, *args, context=context)

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:  # type: ignore[override]
        if callback.__class__ in _PLAIN:
            return super().call_soon_threadsafe(_call, callback, *args, context=context)
        return super().call_soon_threadsafe(callback, *args, context=context)

    def look_soon(self, callback: Any, *args: Any) -> None:
        """``call_soon`` for who only looks."""
        _call_soon(self, callback, *args)

    def call_later(self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:  # type: ignore[override]
        if current_node.get() is None or delay == math.inf:  # what waits for the end of time waits for nothing
            return super().call_later(delay, callback, *args, context=context)
        timer = UserTimer(self)
        return timer.armed(super().call_later(delay, timer._fire, callback, args, context=context))

    def call_at(self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:  # type: ignore[override]
        if current_node.get() is None or when == math.inf:
            return super().call_at(when, callback, *args, context=context)
        timer = UserTimer(self)
        return timer.armed(super().call_at(when, timer._fire, callback, args, context=context))

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        self._pooling = True  # a thread that this starts waits for jobs, which are counted
        try:
            future: Any = super().run_in_executor(executor, func, *args)
        finally:
            self._pooling = False
        if current_node.get() is not None:
            self.jobs += 1
            future.add_done_callback(self._job_ended)
        return future

    async def getaddrinfo(self, *args: Any, **named: Any) -> Any:
        """A look-up counts as a job too: uvloop has threads of its own for it."""
        return await self._job(super().getaddrinfo(*args, **named))

    async def getnameinfo(self, *args: Any, **named: Any) -> Any:
        """As ``getaddrinfo``."""
        return await self._job(super().getnameinfo(*args, **named))

    async def _job(self, work: Awaitable[Any]) -> Any:
        if current_node.get() is None:
            return await work
        self.jobs += 1
        try:
            return await work
        finally:
            self._job_ended(None)

    def _job_ended(self, future: object) -> None:
        self.jobs -= 1
        self.activity += 1
        self.on_activity()

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        node = current_node.get() if context is None else context.get(current_node)
        if node is None:
            task = super().create_task(coro, name=name, context=context)
            _unregister_task(task)  # the framework's own, which no algorithm finds among all tasks
            return task
        task = NodeTask(coro, loop=self, name=name, context=context)
        task.node = node
        self.note_task(task)
        if type(coro) is not Resumed:  # whose node hears of all that they raise
            task.add_done_callback(self._task_ended, context=_OUTSIDE)
        return task

    def note_task(self, task: asyncio.Task[Any]) -> None:
        """A task of the node's own code began."""
        self._tasks.append(task)
        if len(self._tasks) > self._sweep_at:
            self._sweep_at = max(256, 2 * len(self.tasks()))
            self._failed = [one for one in self._failed if getattr(one[0](), "_log_traceback", False)]

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        if getattr(task, "_log_traceback", False):
            self._failed.append((weakref.ref(task), monotonic()))  # held by nobody, asyncio reports it at once

    def tasks(self) -> list[asyncio.Task[Any]]:
        """The tasks of the node's own code that are not done, in the order of their creation."""
        self._tasks = [task for task in self._tasks if not task.done()]
        return list(self._tasks)

    def failed_tasks(self) -> list[tuple[asyncio.Task[Any], float]]:
        """The tasks of the node's own code at whose exceptions nobody has looked, and how many seconds ago they failed.

        To be asked once.
        """
        for task in self._tasks:
            if task.done() and not any(reference() is task for reference, _ in self._failed):
                self._task_ended(task)  # in this very turn of the loop
        now, found, self._failed = monotonic(), self._failed, []
        there = [(one, now - when) for reference, when in found if (one := reference()) is not None]
        return [(one, ago) for one, ago in there if getattr(one, "_log_traceback", False)]

    # -------------------------------------------------- what an algorithm cannot change, as in a simulation

    def stop(self) -> None:
        if current_node.get() is not None:
            raise DistbenchError("loop.stop() would stop the node's whole process; use terminate()")
        super().stop()

    def set_exception_handler(self, handler: Any) -> None:
        """Only the framework's: what nobody handles fails its node, in every mode."""
        if current_node.get() is None:
            super().set_exception_handler(handler)

    def set_task_factory(self, factory: Any) -> None:
        """None: tasks are made as everywhere, in every mode."""

    def list_current_task(self, namespaces: Iterable[dict[str, Any]]) -> None:
        """See to it that ``all_tasks()`` shows a node the task that runs too, which may be one by name only.

        ``namespaces`` are those of modules that may have bound the function before.
        """
        real = asyncio.all_tasks

        def all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[Any]:
            current = asyncio.current_task(loop) if current_node.get() is not None else None
            return real(loop) if current is None else real(loop) | {current}

        for names in (vars(asyncio), vars(asyncio.tasks), *namespaces):
            for name in [name for name, value in names.items() if value is real]:
                names[name] = all_tasks

    def keeps(self, error: BaseException) -> bool:
        """Whether a task of the node's own code has just ended in ``error``: who awaits it sees it there."""
        return any(getattr(task, "_exception", None) is error for task in self._tasks)

    def note_threads(self) -> None:
        """See from now on the threads that the algorithm starts in this process; nobody says when they end."""
        start, loop = threading.Thread.start, self

        def noted(self: threading.Thread) -> None:
            start(self)
            if current_node.get() is not None and not loop._pooling:
                loop._threads.append(self)

        threading.Thread.start = noted  # type: ignore[method-assign]

    @property
    def passive(self) -> bool:
        """No timer, job or thread, and every task waits for something that has not come."""
        if self.foreign or self.timers or self.jobs:
            return False
        if self._threads:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            if self._threads:
                return False
        return all(_waits(task) for task in self.tasks())


def _call(callback: Callable[..., object], *args: Any) -> None:
    """Run a callback; what it returns is let go of here, where it is seen, and not inside of the loop."""
    callback(*args)


def _nobody_listens() -> None:
    pass


def _waits(task: asyncio.Task[Any]) -> bool:
    future = getattr(task, "_fut_waiter", None)
    return future is not None and not future.done()


def _watch(name: str) -> None:
    def opened(self: NodeLoop, *args: Any, **named: Any) -> Any:
        if current_node.get() is not None:
            self.foreign = True
        return getattr(_Loop, name)(self, *args, **named)

    setattr(NodeLoop, name, opened)


for _name in (
    "add_reader add_signal_handler add_writer connect_accepted_socket connect_read_pipe connect_write_pipe "
    "create_connection create_datagram_endpoint create_server create_unix_connection create_unix_server sendfile "
    "sock_accept sock_connect sock_recv sock_recv_into sock_recvfrom sock_recvfrom_into sock_sendall sock_sendfile "
    "sock_sendto subprocess_exec subprocess_shell"
).split():
    _watch(_name)
