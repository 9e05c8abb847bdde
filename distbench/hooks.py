"""The hooks of an algorithm: ``async`` methods, or plain ones that return what can be awaited."""

from __future__ import annotations

import dis
import inspect
import itertools
import types
from collections.abc import Coroutine
from typing import Any

from distbench.algorithm import Algorithm


def begin(instance: Algorithm, name: str) -> Coroutine[Any, Any, Any]:
    """A hook's coroutine, none of which has run; what a plain function returns is awaited in it."""
    function = getattr(type(instance), name)
    if inspect.iscoroutinefunction(function):
        return function(instance)  # type: ignore[no-any-return]
    coro: Any = _awaited(function, instance)
    coro.__name__, coro.__qualname__ = name, function.__qualname__
    return coro  # type: ignore[no-any-return]


async def _awaited(function: Any, instance: Algorithm) -> Any:
    found = function(instance)
    if found is None or inspect.isawaitable(found):
        return None if found is None else await found
    raise TypeError(
        f"{function.__name__}() returned {type(found).__name__}, for which nobody can wait; "
        f"write 'async def {function.__name__}(self)'"
    )


def may_return_awaitable(function: Any) -> bool:
    """Whether a plain function returns anything: nobody knows before a run whether that can be awaited."""
    if not isinstance(function, types.FunctionType) or inspect.isgeneratorfunction(function):
        return False
    steps = [step for step in dis.get_instructions(function) if step.opname not in ("CACHE", "NOP")]
    for before, step in itertools.pairwise(steps):
        if step.opname == "RETURN_VALUE" and not (before.opname == "LOAD_CONST" and before.argval is None):
            return True
        if step.opname == "RETURN_CONST" and step.argval is not None:
            return True
    return False
