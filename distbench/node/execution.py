"""Running a coroutine without a task until it first waits.

Most handlers never wait, and a task costs four times what they do. So a handler's first segment runs at once with a
``StandIn`` entered as the current task. When the coroutine waits, a real task takes it over: it drives a ``Resumed``,
which first yields again what the coroutine waits for. Whoever holds the stand-in (``asyncio.timeout``, ``TaskGroup``)
reaches the real task through it.
"""

from __future__ import annotations

import asyncio
import contextvars
from asyncio import tasks as _tasks
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

_enter_task: Callable[[Any, Any], None] = _tasks._enter_task  # type: ignore[attr-defined]
_leave_task: Callable[[Any, Any], None] = _tasks._leave_task  # type: ignore[attr-defined]

_UNCANCEL_CLEARS: Final = hasattr(asyncio, "QueueShutDown")
"""From 3.13 on, ``uncancel`` down to zero also takes back a cancellation that was not delivered yet."""


class Ending(Protocol):
    """Hears how a coroutine ended; ``failed`` also hears a cancellation."""

    def returned(self, value: Any) -> None: ...
    def failed(self, error: BaseException) -> None: ...


class StandIn:
    """What ``asyncio.current_task()`` is during a first segment; later a name for the real task."""

    __slots__ = ("__weakref__", "_callbacks", "_cancels", "_coro", "_loop", "_must_cancel", "_name", "_task")

    def __init__(self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any]) -> None:
        self._loop = loop
        self._coro = coro
        self._task: asyncio.Task[Any] | None = None
        self._cancels = 0
        self._must_cancel = False

    def _promoted(self, task: asyncio.Task[Any]) -> None:
        """Hand over to the real task what was asked of the stand-in."""
        self._task = task
        if self._must_cancel:
            for _ in range(max(self._cancels, 1)):
                task.cancel()
            if not self._cancels:
                task.uncancel()
        for callback, context in getattr(self, "_callbacks", ()):
            task.add_done_callback(callback, context=context)

    def cancel(self, msg: Any = None) -> bool:
        if self._task is not None:
            return self._task.cancel(msg)
        self._cancels += 1
        self._must_cancel = True
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
        return getattr(self, "_name", None) or getattr(self._coro, "__qualname__", "handler")

    def set_name(self, value: object) -> None:
        self._name = str(value)
        if self._task is not None:
            self._task.set_name(value)

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Any = None) -> None:
        if self._task is not None:
            self._task.add_done_callback(callback, context=context)
        else:
            waiting: list[Any] = getattr(self, "_callbacks", [])
            waiting.append((callback, context or contextvars.copy_context()))
            self._callbacks = waiting

    def _ended(self) -> None:
        """The coroutine ended without ever waiting."""
        self._coro = None  # type: ignore[assignment]
        for callback, context in getattr(self, "_callbacks", ()):
            self._loop.call_soon(callback, self, context=context)

    def done(self) -> bool:
        return self._coro is None if self._task is None else self._task.done()

    def cancelled(self) -> bool:
        return self._task is not None and self._task.cancelled()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def get_coro(self) -> Any:
        return self._coro

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._task is None:
            raise RuntimeError(f"the current task has no {name!r} before the handler first waits")
        return getattr(self._task, name)

    def __eq__(self, other: object) -> bool:
        return self is other or (self._task is not None and self._task is other)

    def __hash__(self) -> int:
        return id(self) if self._task is None else hash(self._task)


class Resumed(Coroutine[Any, Any, None]):
    """A coroutine that has run its first segment, as a real task drives it on."""

    __slots__ = ("_coro", "_ending", "_waits_for")

    def __init__(self, coro: Coroutine[Any, Any, Any], waits_for: Any, ending: Ending) -> None:
        self._coro = coro
        self._waits_for: Any = (waits_for,)
        self._ending = ending

    @property
    def cr_code(self) -> Any:
        return self._coro.cr_code  # type: ignore[attr-defined]

    @property
    def cr_frame(self) -> Any:
        return self._coro.cr_frame  # type: ignore[attr-defined]

    @property
    def cr_await(self) -> Any:
        return self._coro.cr_await  # type: ignore[attr-defined]

    def send(self, value: Any) -> Any:
        if self._waits_for is not None:
            (waits_for,), self._waits_for = self._waits_for, None
            return waits_for
        return self._step(self._coro.send, value)

    def throw(self, error: Any, *rest: Any) -> Any:
        if self._waits_for is not None:
            # Cancelled before the task's own first step: a task that waits passes a cancellation on to what it waits
            # for, so that is what must happen here; only what cannot be cancelled any more is thrown at the coroutine.
            (waits_for,), self._waits_for = self._waits_for, None
            if isinstance(error, asyncio.CancelledError) and waits_for is not None and waits_for.cancel(*error.args):
                return waits_for
        return self._step(self._coro.throw, error)

    def _step(self, advance: Callable[[Any], Any], value: Any) -> Any:
        try:
            return advance(value)
        except StopIteration as stop:
            self._ending.returned(stop.value)
        except asyncio.CancelledError as error:
            self._ending.failed(error)
            raise
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self._ending.failed(error)
        raise StopIteration

    def close(self) -> None:
        self._coro.close()

    def __await__(self) -> Any:
        raise TypeError("a resumed handler is driven by its task only")
