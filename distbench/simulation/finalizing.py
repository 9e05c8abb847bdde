"""Whose finalizer runs, when the collector of garbage or the end of a run lets go of objects outside of any step.

``__del__``, callbacks of weak references, and what a suspended generator or coroutine does when it is closed: each runs
in the node that it leads to, by its arguments and local variables. Where nothing leads to a node, it runs on a machine
that belongs to nobody, where time is virtual too.
"""

from __future__ import annotations

import contextvars
import gc
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, cast

from distbench.algorithm import Algorithm
from distbench.node.current import current_node
from distbench.node.layer import Layer
from distbench.node.node import Node
from distbench.node.suspended import is_ours
from distbench.node.watch import watching
from distbench.simulation.futures import SimTask
from distbench.simulation.handles import Handle
from distbench.simulation.machine import Machine, current_machine

T = TypeVar("T")

_FAR: Final = 2_000
"""Objects that are looked at in search of a node."""
_LEADS_ANYWHERE: Final = (types.ModuleType, type, types.CodeType, types.BuiltinFunctionType, contextvars.ContextVar)
"""Types of what knows objects of all nodes, or of none."""
_FINALIZE: Final[Any] = weakref.finalize
_KEEPS_ORDER: Final = frozenset({"weakref", "_weakrefset"})
"""Modules whose own callbacks only forget what is gone."""


def finalizing(nobody: Machine | None, function: Callable[..., T], *args: Any) -> T:
    """What ``function`` returns; finalizers that it sets off run in their nodes. ``function`` is written in C."""
    return contextvars.Context().run(_Finalizers(nobody).attend, function, *args)


class _Finalizers:
    """Hears of each that is about to run, as a profiler would."""

    def __init__(self, nobody: Machine | None) -> None:
        self._nobody = nobody
        self._below: types.FrameType | None = None
        """The frame in which they are set off."""
        self._last: Node | None = None
        self._outside = {getattr(each, "__code__", None) for each in gc.callbacks}

    def attend(self, function: Callable[..., T], *args: Any) -> T:
        if sys.getprofile() is not None:  # somebody measures; there is room for one
            current_machine.set(self._nobody)
            return function(*args)
        self._below = sys._getframe()
        self._enter(None)
        sys.setprofile(self._hear)
        try:
            return function(*args)
        finally:
            sys.setprofile(None)
            self._below = None

    def _hear(self, frame: types.FrameType, event: str, _: object) -> None:
        if frame.f_back is not self._below or event not in ("call", "return"):
            return
        if event == "return":
            self._enter(None)
        elif frame.f_code is type(watching)._unraisable.__code__:
            self._enter(self._last)  # its exception is told
        elif frame.f_code in self._outside:
            current_machine.set(None)
        elif not is_ours(frame.f_code.co_filename):
            self._last = owner(frame)
            self._enter(self._last)

    def _enter(self, node: Node | None) -> None:
        current_machine.set(self._nobody if node is None else node.context.get(current_machine))
        current_node.set(node)


def owner(frame: types.FrameType) -> Node | None:
    """The node that the variables of ``frame`` lead to, the nearest one."""
    module = frame.f_globals.get("__name__")
    first = list(frame.f_locals.values())
    if module in _KEEPS_ORDER:
        if type(first[0]) is not _FINALIZE:
            return None
        info = _FINALIZE._registry.get(first[0])
        first = [] if info is None else [info.func, info.args, info.kwargs]
    return _nearest(first)


def _nearest(first: Iterable[object]) -> Node | None:
    waiting = deque(first)
    seen = set(map(id, waiting))
    while waiting and len(seen) < _FAR:
        each = waiting.popleft()
        found = _node(each)
        if found is not None:
            return found
        for other in _leads_to(each):
            if id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)
    return None


def _node(each: object) -> Node | None:
    """The node, if it is one's own."""
    kind = type(each)  # and not isinstance(), which might run code of theirs
    if kind is Node:
        return cast("Node", each)
    if kind is Layer:
        return cast("Layer", each).node
    if issubclass(kind, Algorithm):
        layer = each._distbench  # type: ignore[attr-defined]
        return layer.node if type(layer) is Layer else None
    if kind is SimTask:
        return cast("Node | None", cast("SimTask", each).node)
    if kind is contextvars.Context:
        return cast("Node | None", cast("contextvars.Context", each).get(current_node))
    if issubclass(kind, Handle):
        return cast("Node | None", cast("Handle", each)._context.get(current_node))
    return None


def _leads_to(each: object) -> list[Any]:
    if isinstance(each, _LEADS_ANYWHERE) or type(each).__name__ == "SimLoop":
        return []
    if type(each) is types.FunctionType:  # and not to the globals of its module
        return [*(each.__closure__ or ()), *(each.__defaults__ or ()), *(each.__kwdefaults__ or {}).values()]
    found = gc.get_referents(each)
    return [one for one in found if not (type(one) is dict and "__builtins__" in one)]
