"""Futures and tasks that hash by their number in the run, so that sets of them iterate alike in every run."""

from __future__ import annotations

import asyncio
from asyncio import tasks as _tasks
from typing import Any

from distbench.node.current import NodeScope
from distbench.node.execution import coroutine_of


def _hash(self: Any) -> int:
    """The hash: the next number of the run, taken when it is first asked for."""
    try:
        number: int = self._number
    except AttributeError:
        number = self._number = self.get_loop().next_number()
    return number


class SimFuture(asyncio.Future[Any]):
    """What ``create_future`` makes."""

    __hash__ = _hash


class SimGathering(_tasks._GatheringFuture):  # type: ignore[name-defined,misc]
    """What ``asyncio.gather`` makes."""

    __hash__ = _hash


class SimTask(asyncio.Task[Any]):
    """A task that also knows its node."""

    _number: int
    node: NodeScope | None = None
    failed_at: float | None = None
    """When it raised, in virtual seconds: nobody may look at the exception until much later."""

    __hash__ = _hash

    def get_coro(self) -> Any:
        return coroutine_of(self)

    def cancel(self, msg: Any = None) -> bool:
        if self.node is not None:
            self.node.cuts = True  # type: ignore[attr-defined] # of a scope that is a node
        return super().cancel(msg)
