"""Tasks and futures that asyncio makes by itself, and what it says of them; loops, of which there is one."""

from __future__ import annotations

import asyncio
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Iterator
from typing import Any, Final

from distbench.errors import NondeterminismError
from distbench.node.current import current_node
from distbench.simulation.control.numbering import number_class
from distbench.simulation.control.standin import StandIn, StandInClass
from distbench.simulation.futures import SimGathering
from distbench.simulation.machine import current_machine

_ONE_LOOP: Final = "inside a simulated node, where there is one loop for all; use 'asyncio.get_running_loop()'"


def stand_ins() -> Iterator[StandIn]:
    """Of what makes tasks and futures, or shows them."""
    for owner in (asyncio, asyncio.tasks):
        yield StandIn(owner, "all_tasks", _all_tasks(asyncio.all_tasks))
        if (eager := getattr(owner, "eager_task_factory", None)) is not None:  # from Python 3.12 on
            yield StandIn(owner, "eager_task_factory", _eager_task_factory(eager))
    yield StandIn(asyncio, "Future", _Future)
    yield StandIn(asyncio, "Task", _Task)
    for owner in (asyncio, asyncio.events):
        yield StandIn(owner, "new_event_loop", _refused(asyncio.new_event_loop, "new_event_loop"))
        yield StandIn(owner, "set_event_loop_policy", _refused(asyncio.set_event_loop_policy, "set_event_loop_policy"))
        yield StandIn(owner, "set_event_loop", _set_event_loop(asyncio.set_event_loop))
    yield StandIn(BaseEventLoop, "__init__", _no_other_loop(BaseEventLoop.__init__))
    real = asyncio.tasks._GatheringFuture  # type: ignore[attr-defined]
    yield StandIn(asyncio.tasks, "_GatheringFuture", _gathering(real))


def _inside() -> bool:
    """Whether it is a node's step; a module that is imported there may have a loop of its own."""
    machine = current_machine.get()
    return machine is not None and machine.refuses


def _all_tasks(real: Callable[..., set[Any]]) -> Callable[..., set[Any]]:
    """A node sees its own tasks, as it would in a process of its own."""

    def all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[Any]:
        node = current_node.get()
        if node is None or not _inside():
            return real(loop)
        found = {task for task in real(loop) if getattr(task, "node", None) is node}
        return found | {asyncio.current_task()} - {None}

    return all_tasks


_REAL_FUTURE: Final = asyncio.Future
_REAL_TASK: Final = asyncio.Task


class _Future(asyncio.Future[Any], metaclass=StandInClass):
    """``asyncio.Future()`` of a node: the loop makes it, so that it hashes by its number."""

    subclassed = staticmethod(number_class)

    def __new__(cls, *, loop: asyncio.AbstractEventLoop | None = None) -> Any:
        return (loop or asyncio.get_running_loop()).create_future() if _inside() else _REAL_FUTURE(loop=loop)


class _Task(asyncio.Task[Any], metaclass=StandInClass):
    """``asyncio.Task(...)`` of a node, made by the loop as well."""

    subclassed = staticmethod(number_class)

    def __new__(cls, coro: Any, *, loop: asyncio.AbstractEventLoop | None = None, **named: Any) -> Any:
        if not _inside():
            return _REAL_TASK(coro, loop=loop, **named)
        return (loop or asyncio.get_running_loop()).create_task(coro, **named)


def _gathering(real: Callable[..., Any]) -> Callable[..., Any]:
    def gathering(children: Any, *, loop: Any) -> Any:
        return (SimGathering if _inside() else real)(children, loop=loop)

    return gathering


def _eager_task_factory(real: Callable[..., Any]) -> Callable[..., Any]:
    def eager_task_factory(loop: Any, coro: Any, *, name: Any = None, context: Any = None, **named: Any) -> Any:
        if not _inside():
            return real(loop, coro, name=name, context=context, **named)
        return loop.create_task(coro, name=name, context=context, **{"eager_start": True, **named})

    return eager_task_factory


# -------------------------------------------------- loops


def _refused(real: Callable[..., Any], name: str) -> Callable[..., Any]:
    def guarded(*args: Any) -> Any:
        if _inside():
            raise NondeterminismError(f"asyncio.{name}() {_ONE_LOOP}")
        return real(*args)

    return guarded


def _set_event_loop(real: Callable[[Any], None]) -> Callable[[Any], None]:
    def set_event_loop(loop: Any) -> None:
        if not _inside():
            real(loop)
        elif loop is not asyncio.get_running_loop():
            raise NondeterminismError(f"asyncio.set_event_loop() {_ONE_LOOP}")

    return set_event_loop


def _no_other_loop(real: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *args: Any, **named: Any) -> None:
        if _inside():
            self._closed = True  # which its finalizer asks
            raise NondeterminismError(f"{type(self).__name__}() {_ONE_LOOP}")
        real(self, *args, **named)

    return init
