"""Coroutines that nobody awaits: what was thrown away, where, and what to write instead.

``peer.hello("hi")`` without ``await`` sends nothing. CPython notices when such a coroutine is let go of; nothing is
noted when it is made.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
from collections.abc import Iterator
from pathlib import Path
from types import CoroutineType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from distbench.algorithm import Algorithm
from distbench.errors import DistbenchError
from distbench.node.current import current_node
from distbench.node.execution import StandIn
from distbench.node.instructions import is_calling, is_unwinding, throws_away
from distbench.node.layer import Layer
from distbench.node.suspended import is_framework, is_library, is_ours
from distbench.peer import Peer

if TYPE_CHECKING:
    from distbench.node.node import Node

Coro: TypeAlias = "CoroutineType[Any, Any, Any]"

_CALLERS: Final = frozenset({"_awaited", "_call", "_fire", "_hook", "_initialise", "_run", "deliver_message"})
"""The functions of the framework that call or await what the algorithm defines."""
_STAND_INS: Final = ("distbench.running.unheard", "distbench.simulation.control.")
"""Modules that stand where one of a library would."""
_OUTERMOST: Final = frozenset({"_build", "_drain", "_run", "play", "run_node"})
"""Those beyond which no code of the node's step stands on the stack."""


def node_of(coro: Coro) -> Node | None:
    """The node whose peer or algorithm it belongs to, or in whose step it is dropped; None for what is no node's."""
    first = _first(coro)
    if isinstance(first, Peer):
        return getattr(first._outlets[0], "node", None)
    if isinstance(first, Algorithm) and isinstance(first._distbench, Layer):
        return first._distbench.node
    return None if is_ours(coro.cr_code.co_filename) else cast("Node | None", current_node.get())


def _first(coro: Coro) -> object:
    """The first argument of a coroutine that has not begun: ``self`` of a method."""
    code, frame = coro.cr_code, coro.cr_frame
    return frame.f_locals.get(code.co_varnames[0]) if code.co_argcount and frame is not None else None


def dropped(coro: Coro, frame: FrameType | None) -> tuple[str, DistbenchError] | None:
    """In which step, and the error that says so, if the algorithm threw it away; None if it was only cut off.

    ``frame`` is the innermost one. Cut off is what goes because an exception, such as a cancellation, goes through
    the code that would have awaited it.
    """
    while frame is not None and _passes_on(frame):  # logging, for instance, that was given it
        frame = frame.f_back
    if frame is None or is_framework(frame.f_code.co_filename):
        if not (frame is None or _ended_in(frame)):
            return None
    elif is_unwinding(frame):
        return None
    steps = [step for step in _outwards(frame) if not is_framework(step.f_code.co_filename)]
    return _step(steps), _error(coro, steps)


def _passes_on(frame: FrameType) -> bool:
    """Whether it is a library's, or stands where one would stand."""
    return is_library(frame.f_code.co_filename) or str(frame.f_globals.get("__name__")).startswith(_STAND_INS)


def _ended_in(frame: FrameType) -> bool:
    """Whether code of the algorithm has just ended in the usual way, which a frame of the framework had called."""
    ours = is_ours(frame.f_code.co_filename)
    if throws_away(frame):
        return True  # what a callback returned
    if current_node.get() is None:
        return False
    if ours and frame.f_code.co_name in _CALLERS:
        return is_calling(frame)
    task = asyncio.current_task()
    return _is_callback(frame) if task is None else getattr(task.get_coro(), "cr_frame", None) is None


def _is_callback(frame: FrameType) -> bool:
    """Whether a loop runs a callback of the algorithm in it, and not the step of a task, which ends by letting go of
    the exception that it was given. A loop that is written in C does not tell.
    """
    names = frame.f_locals
    handle = names.get("handle") or names.get("self")  # of a simulation's loop, of asyncio's own handles
    callback = getattr(handle, "_callback", None)
    return callback is not None and not isinstance(getattr(callback, "__self__", None), asyncio.Task)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        if is_ours(frame.f_code.co_filename) and frame.f_code.co_name in _OUTERMOST:
            return
        yield frame
        frame = frame.f_back


def _step(steps: list[FrameType]) -> str:
    """What runs, as failures name it."""
    task: Any = asyncio.current_task()
    if task is None:
        return "a callback"
    node = cast("Node | None", current_node.get())
    job = None if node is None else next((job for each, job in node.running.items() if each is task), None)
    if job is not None:
        return job.route.name
    coro: Any = task.get_coro()
    if type(task) is StandIn:
        return _with_path(coro)
    if is_ours(coro.cr_code.co_filename):  # that of a node which leaves
        return steps[-1].f_code.co_name if steps else "on_exit"
    return f"task {coro.__qualname__}"


def _with_path(coro: Any) -> str:
    owner = coro.cr_frame.f_locals.get("self") if coro.cr_frame is not None else None
    layer = owner._distbench if isinstance(owner, Algorithm) else None
    path = layer.bound.path if isinstance(layer, Layer) else ""
    return f"{path}.{coro.__name__}" if path else str(coro.__name__)


# -------------------------------------------------- in words


def forgotten(value: object) -> DistbenchError | None:
    """The error for a handler or hook that returned a coroutine which nobody will await."""
    if not isinstance(value, CoroutineType) or inspect.getcoroutinestate(value) != inspect.CORO_CREATED:
        return None
    error = DistbenchError(f"{_what(value)}: it was only returned ({_defined(value)}); write 'return await ...'")
    value.close()
    return error


def collected(coro: Coro) -> DistbenchError:
    """The error for one that only the collector of garbage has found."""
    return _error(coro, [])


def _error(coro: Coro, steps: list[FrameType]) -> DistbenchError:
    if steps:
        inner = steps[0]
        file, number = inner.f_code.co_filename, inner.f_lineno
        line = linecache.getline(file, number).strip()
        during = "while this was called: " if is_calling(inner) else ""  # a function that kept it, maybe
        text = f"{during}{Path(file).name}:{number}: {line}; write {_advice(coro, line)}"
    else:
        ended = _ended()
        where = f"dropped at the end of {ended}" if ended else _defined(coro)
        text = f"{where}; write {_advice(coro, '')}"
    error = DistbenchError(f"{_what(coro)}: {text}")
    trace = None
    for step in steps:
        trace = TracebackType(trace, step, step.f_lasti, step.f_lineno)
    return error.with_traceback(trace)


def _what(coro: Coro) -> str:
    first = _first(coro)
    if isinstance(first, Peer):
        return f"{coro.__name__}() of peer {first.peer_id} was never awaited, so nothing was sent"
    return f"{coro.__name__}() was never awaited, so it did nothing"


def _advice(coro: Coro, line: str) -> str:
    try:
        [statement] = ast.parse(line).body
    except (SyntaxError, ValueError):
        statement = ast.Pass()
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return f"'await {line.encode()[: statement.end_col_offset].decode()}'"
    first = _first(coro)
    owner = "peer." if isinstance(first, Peer) else "self." if isinstance(first, Algorithm) else ""
    return f"'await {owner}{coro.__name__}(...)'"


def _defined(coro: Coro) -> str:
    first, name = _first(coro), coro.__name__
    if isinstance(first, Peer):
        found = next((each for each in first._definition.handlers if each.name == name), None)
        return "" if found is None else found.where
    return f"{coro.__qualname__} ({_place(coro)})"


def _ended() -> str:
    """The coroutine of the step that runs, if it has ended, or what a handler's runner has just run."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # the collector may run in any thread
        return ""
    coro = None if task is None else task.get_coro()
    code = getattr(coro, "cr_code", None)
    if coro is None or code is None or is_ours(code.co_filename):
        return ""
    return f"{getattr(coro, '__qualname__', code.co_name)} ({_place(coro)})"


def _place(coro: Any) -> str:
    return f"{Path(coro.cr_code.co_filename).name}:{coro.cr_code.co_firstlineno}"
