"""Tasks and futures that asyncio makes by itself, and what it says of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from distbench.node.current import current_node
from distbench.simulation.control.standin import StandIn, StandInClass
from distbench.simulation.futures import SimGathering
from distbench.simulation.machine import current_machine


def stand_ins() -> Iterator[StandIn]:
    """Of what makes tasks and futures, or shows them."""
    for owner in (asyncio, asyncio.tasks):
        yield StandIn(owner, "all_tasks", _all_tasks(asyncio.all_tasks))
        yield StandIn(owner, "as_completed", _as_completed(asyncio.as_completed))
    yield StandIn(asyncio, "Future", _Future)
    yield StandIn(asyncio, "Task", _Task)
    real = asyncio.tasks._GatheringFuture  # type: ignore[attr-defined]
    yield StandIn(asyncio.tasks, "_GatheringFuture", _gathering(real))


def _inside() -> bool:
    return current_machine.get() is not None


def _all_tasks(real: Callable[..., set[Any]]) -> Callable[..., set[Any]]:
    """A node sees its own tasks, as it would in a process of its own."""

    def all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[Any]:
        node = current_node.get()
        if node is None or not _inside():
            return real(loop)
        found = {task for task in real(loop) if getattr(task, "node", None) is node}
        return found | {asyncio.current_task()} - {None}

    return all_tasks


def _as_completed(real: Callable[..., Any]) -> Callable[..., Any]:
    """The original makes tasks of its coroutines in the order of a set."""

    def as_completed(fs: Iterable[Any], *, timeout: float | None = None) -> Any:
        if _inside() and not (asyncio.isfuture(fs) or asyncio.iscoroutine(fs)):
            fs = [asyncio.ensure_future(each) for each in dict.fromkeys(fs)]
        return real(fs, timeout=timeout)

    return as_completed


_REAL_FUTURE: Final = asyncio.Future
_REAL_TASK: Final = asyncio.Task


class _Future(asyncio.Future[Any], metaclass=StandInClass):
    """``asyncio.Future()`` of a node: the loop makes it, so that it hashes by its number."""

    def __new__(cls, *, loop: asyncio.AbstractEventLoop | None = None) -> Any:
        return (loop or asyncio.get_running_loop()).create_future() if _inside() else _REAL_FUTURE(loop=loop)


class _Task(asyncio.Task[Any], metaclass=StandInClass):
    """``asyncio.Task(...)`` of a node, made by the loop as well."""

    def __new__(cls, coro: Any, *, loop: asyncio.AbstractEventLoop | None = None, **named: Any) -> Any:
        if not _inside():
            return _REAL_TASK(coro, loop=loop, **named)
        named.pop("eager_start", None)
        return (loop or asyncio.get_running_loop()).create_task(coro, **named)


def _gathering(real: Callable[..., Any]) -> Callable[..., Any]:
    def gathering(children: Any, *, loop: Any) -> Any:
        return (SimGathering if _inside() else real)(children, loop=loop)

    return gathering
