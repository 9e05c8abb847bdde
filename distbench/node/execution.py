"""Running a coroutine without a task until it first waits.

Most handlers never wait, and a task costs four times what they do. So a handler's first segment runs at once with a
``StandIn`` entered as the current task. When the coroutine waits, a real task takes it over: it drives a ``Resumed``,
which first yields again what the coroutine waits for. Whoever holds the stand-in (``asyncio.timeout``, ``TaskGroup``)
reaches the real task through it.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import types
from asyncio import tasks as _tasks
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, NoReturn, Protocol

import msgspec

enter_task: Callable[[Any, Any], None] = _tasks._enter_task
leave_task: Callable[[Any, Any], None] = _tasks._leave_task

IDLE: Final = object()
"""What a runner yields when it has nothing to run."""

_UNCANCEL_CLEARS: Final = hasattr(asyncio, "QueueShutDown")
"""From 3.13 on, ``uncancel`` down to zero also takes back a cancellation that was not delivered yet."""


class Ending(Protocol):
    """Hears how a coroutine ended; ``failed`` also hears a cancellation."""

    def returned(self, value: Any) -> None: ...
    def failed(self, error: BaseException) -> None: ...


class StandIn(msgspec.Struct, weakref=True, eq=False):
    """What ``asyncio.current_task()`` is during a first segment; later a name for the real task."""

    _loop: asyncio.AbstractEventLoop
    _coro: Any
    _task: asyncio.Task[Any] | None = None
    _cancels: int = 0
    _must_cancel: bool = False
    _message: Any = None
    _name: str | None = None
    _callbacks: list[Any] | None = None
    _hash: int | None = None

    _asyncio_future_blocking = None
    """``asyncio.isfuture`` is False: the C code would not know what to do with it."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # for ``isinstance(asyncio.current_task(), asyncio.Task)``
        return asyncio.Task

    def _promoted(self, task: asyncio.Task[Any]) -> None:
        """Hand over to the real task what was asked of the stand-in."""
        self._task = task
        if self._must_cancel:
            for _ in range(max(self._cancels, 1)):
                task.cancel(self._message)
            if not self._cancels:
                task.uncancel()
        for callback, context in self._callbacks or ():
            task.add_done_callback(callback, context=context)

    def cancel(self, msg: Any = None) -> bool:
        if self._task is not None:
            return self._task.cancel(msg)
        if self._coro is None:
            return False
        self._cancels += 1
        self._must_cancel = True
        self._message = msg
        return True

    def cancelling(self) -> int:
        return self._cancels if self._task is None else self._task.cancelling()

    def uncancel(self) -> int:
        if self._task is not None:
            return self._task.uncancel()
        self._cancels = max(0, self._cancels - 1)
        if _UNCANCEL_CLEARS and not self._cancels:
            self._must_cancel = False
        return self._cancels

    def get_name(self) -> str:
        if self._task is not None:
            return self._task.get_name()
        return self._name or str(getattr(self._coro, "__qualname__", "handler"))

    def set_name(self, value: object) -> None:
        self._name = str(value)
        if self._task is not None:
            self._task.set_name(value)

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Any = None) -> None:
        if self._task is not None:
            self._task.add_done_callback(callback, context=context)
        else:
            self._callbacks = [*(self._callbacks or ()), (callback, context or contextvars.copy_context())]

    def _ended(self) -> None:
        """The coroutine ended without ever waiting."""
        self._coro = None
        for callback, context in self._callbacks or ():
            self._loop.call_soon(callback, self, context=context)

    def done(self) -> bool:
        return self._coro is None if self._task is None else self._task.done()

    def cancelled(self) -> bool:
        return self._task is not None and self._task.cancelled()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def get_coro(self) -> Any:
        return self._coro

    def _real(self, name: str) -> asyncio.Task[Any]:
        # Spelled out method by method: a __getattr__ would slow down every other attribute as well.
        if self._task is None:
            raise RuntimeError(f"the current task has no {name}() before the handler first waits")
        return self._task

    def result(self) -> Any:
        return self._real("result").result()

    def exception(self) -> BaseException | None:
        return self._real("exception").exception()

    def get_stack(self, *, limit: int | None = None) -> Any:
        return self._real("get_stack").get_stack(limit=limit)

    def print_stack(self, *, limit: int | None = None, file: Any = None) -> None:
        self._real("print_stack").print_stack(limit=limit, file=file)

    def get_context(self) -> contextvars.Context:
        return contextvars.copy_context() if self._task is None else self._task.get_context()  # type: ignore[attr-defined]

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        return self._real("remove_done_callback").remove_done_callback(callback)

    def __eq__(self, other: object) -> bool:
        return self is other or (self._task is not None and self._task is other)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = _new_hash(self._loop) if self._task is None else hash(self._task)
        return self._hash

    def __repr__(self) -> str:  # without an address, as asyncio's own
        state = "finished" if self.done() else "pending"
        return f"<Task {state} name={self.get_name()!r}>" if self._task is None else repr(self._task)

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._task is None and self._coro is not None:
            raise RuntimeError("a task cannot wait for itself")
        return None if self._task is None else (yield from self._task.__await__())


_numbers = itertools.count(1)


def _new_hash(loop: Any) -> int:
    number: int = getattr(loop, "next_number", _numbers.__next__)()
    return number


class _Numbered(asyncio.Task[Any]):
    """The real task of a stand-in that was put into a set or dict: it is found there as well."""

    _number: int

    def get_coro(self) -> Any:
        return coroutine_of(self)

    def __hash__(self) -> int:
        return self._number


def begin_task(
    loop: asyncio.AbstractEventLoop, coro: Resumed, stand_in: StandIn, context: contextvars.Context
) -> asyncio.Task[Any]:
    """The real task behind a stand-in. A simulation's loop takes its first step at once, which wakes nobody late."""
    number, name = stand_in._hash, stand_in.get_name()
    at_once = getattr(loop, "begin_task", None)
    if at_once is not None:
        task: asyncio.Task[Any] = at_once(coro, name, context, number)
    elif number is None:
        task = loop.create_task(coro, name=name, context=context)
    else:
        task = _Numbered.__new__(_Numbered)
        task._number = number  # type: ignore[attr-defined]
        task.__init__(coro, loop=loop, name=name, context=context)  # type: ignore[misc]
        if (note := getattr(loop, "note_task", None)) is not None:
            note(task)
    return task


class Runner:
    """Runs coroutines one after another inside one generator, which spares each the price of a ``StopIteration``.

    ``send(coro)`` returns ``IDLE`` when the coroutine has ended, with ``result`` or ``error`` set, else what it waits
    for; then a task drives this runner on, and its node goes on with a new one. A ``GeneratorExit`` of the coroutine's
    own ends the runner as well, and is the one exception that whoever drives it has to record.
    """

    __slots__ = ("__weakref__", "error", "result", "send", "throw")

    def __init__(self, interrupts: bool = True) -> None:
        """``interrupts``: a KeyboardInterrupt is somebody's Ctrl-C and passes through; else it is one error more."""
        self.result: Any = None
        self.error: BaseException | None = None
        generator = self._run((KeyboardInterrupt, GeneratorExit) if interrupts else (GeneratorExit,))
        self.send = generator.send
        self.throw = generator.throw
        self.send(None)

    @types.coroutine
    def _run(self, passing: tuple[type[BaseException], ...]) -> Generator[Any, Any, None]:
        while True:
            coro = yield IDLE
            try:
                self.result = yield from coro
            except passing:
                raise
            except BaseException as error:  # noqa: BLE001 - the dispatch: whatever user code raises is recorded
                self.error = error
            coro = None


def coroutine_of(task: asyncio.Task[Any]) -> Any:
    """What a task runs, as its node wrote it; for the ``get_coro`` of tasks that may drive a handler on."""
    coro = asyncio.Task.get_coro(task)
    return coro.coro if type(coro) is Resumed else coro


class Resumed(Coroutine[Any, Any, None]):
    """A coroutine that has run its first segment, as a real task drives it on."""

    __slots__ = ("_ending", "_runner", "_waits_for", "coro")

    def __init__(self, coro: Any, runner: Runner, waits_for: Any, ending: Ending) -> None:
        self.coro = coro
        self._runner = runner
        self._waits_for: Any = (waits_for,)
        self._ending = ending

    @property
    def cr_code(self) -> Any:
        return self.coro.cr_code

    @property
    def cr_frame(self) -> Any:
        return self.coro.cr_frame

    @property
    def cr_await(self) -> Any:
        return self.coro.cr_await

    def send(self, value: Any) -> Any:
        if self._waits_for is not None:
            (waits_for,), self._waits_for = self._waits_for, None
            return waits_for
        send = self._runner.send  # a local name, as in Route
        try:
            got = send(value)
        except GeneratorExit as error:  # the runner, being a generator itself, has to pass it on
            got, self._runner.error = IDLE, error
        return self._end() if got is IDLE else got

    def throw(self, error: Any, *rest: Any) -> Any:
        if self._waits_for is not None:
            # Cancelled before the task's own first step: a task that waits passes a cancellation on to what it waits
            # for, so that is what must happen here; only what cannot be cancelled any more is thrown at the coroutine.
            (waits_for,), self._waits_for = self._waits_for, None
            if isinstance(error, asyncio.CancelledError) and waits_for is not None and waits_for.cancel(*error.args):
                return waits_for
        try:
            got = self._runner.throw(error)
        except GeneratorExit as passed:
            got, self._runner.error = IDLE, passed
        finally:
            del error  # as in _end
        return self._end() if got is IDLE else got

    def _end(self) -> NoReturn:
        error, self._runner.error = self._runner.error, None  # nobody else is to hold what its frames hold
        if error is None:
            self._ending.returned(self._runner.result)
            raise StopIteration(self._runner.result)
        try:
            self._ending.failed(error)
            if isinstance(error, asyncio.CancelledError):
                raise error
            raise StopIteration
        finally:
            del error  # it holds this frame

    def close(self) -> None:
        self.coro.close()

    def __await__(self) -> Any:
        raise TypeError("a resumed handler is driven by its task only")
