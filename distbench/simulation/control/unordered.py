"""Coroutines in a set, whose order is that of their addresses: asyncio starts them in the order of their creation.

``as_completed`` and its like are given the set. ``gather(*coroutines)`` is not: the line that calls it tells whether it
is a set that was unpacked.
"""

from __future__ import annotations

import ast
import asyncio
import dis
import functools
import gc
import linecache
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from types import CodeType, FrameType
from typing import Any, Final

from distbench.node.instructions import operation
from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import current_machine

_FAST: Final = re.compile(r"(LOAD|STORE|DELETE)_FAST")
_ORDERS: Final = frozenset({"filter", "items", "keys", "map", "range", "reversed", "sorted", "values", "zip"})
_KEEPS: Final = frozenset({"iter", "list", "tuple"})
_SETS: Final = frozenset({"frozenset", "set"})
_SET_OPERATIONS: Final = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)


def stand_ins() -> Iterator[StandIn]:
    """Of what starts several coroutines at once."""
    for owner in (asyncio, asyncio.tasks):
        yield StandIn(owner, "as_completed", _as_completed(asyncio.as_completed))
        yield StandIn(owner, "gather", _gather(asyncio.gather))


def by_creation(objects: Iterable[Any]) -> list[Any]:
    """They must be of types that the collector of garbage follows."""
    missing = {id(each): each for each in objects}
    found: list[Any] = []
    for generation in range(3):  # each lists its objects in the order of their creation, and the younger come first
        if missing:
            here = [one for one in gc.get_objects(generation) if id(one) in missing]
            found[:0] = here
            for one in here:
                del missing[id(one)]
    return found + list(missing.values())


def _as_completed(real: Callable[..., Any]) -> Callable[..., Any]:
    """The original makes tasks of its coroutines in the order of a set, whatever it is given."""

    def as_completed(fs: Iterable[Any], *, timeout: float | None = None) -> Any:
        if current_machine.get() is not None and not (asyncio.isfuture(fs) or asyncio.iscoroutine(fs)):
            given = by_creation(fs) if isinstance(fs, (set, frozenset)) else dict.fromkeys(fs)
            fs = [asyncio.ensure_future(each) for each in given]
        return real(fs, timeout=timeout)

    return as_completed


def _gather(real: Callable[..., Any]) -> Callable[..., Any]:
    def gather(*given: Any, return_exceptions: bool = False) -> Any:
        if len(given) > 1 and current_machine.get() is not None and any(map(asyncio.iscoroutine, given)):
            given = _started(given, sys._getframe(1))
        return real(*given, return_exceptions=return_exceptions)

    return gather


def _started(given: tuple[Any, ...], frame: FrameType) -> tuple[Any, ...]:
    """What to gather instead: where coroutines came out of a set, tasks of them that begin in its order.

    Where the set is made for the call alone, or its name is not used again, nobody can know its order, so that of the
    results is theirs as well.
    """
    call = _call(frame.f_code, frame.f_lasti)
    if call is None:
        return given
    stars = [number for number, each in enumerate(call.args) if isinstance(each, ast.Starred)]
    if len(stars) != 1:
        return given  # nobody can say where one ends and the next begins
    begin = stars[0]
    end = len(given) - (len(call.args) - 1 - begin)
    unpacked: Any = given[begin:end]
    source: Any = call.args[begin]
    kind = _kind(source.value, frame)
    if kind is _Kind.SET and isinstance(source.value, ast.Name) and _is_last_use(frame, source.value.id):
        kind = _Kind.NEW_SET
    if kind is _Kind.NEW_SET:
        unpacked = by_creation(unpacked)
    elif kind is not _Kind.ORDERED:
        tasks = {id(each): _task(each) for each in by_creation(unpacked)}
        unpacked = [tasks[id(each)] for each in unpacked]
    return (*given[:begin], *unpacked, *given[end:])


def _is_last_use(frame: FrameType, name: str) -> bool:
    """Whether a variable of the function alone is not read any more after the instruction at which it stands."""
    return name in frame.f_code.co_varnames and name not in _read_after(frame.f_code, frame.f_lasti)


@functools.lru_cache(maxsize=1_000)
def _read_after(code: CodeType, at: int) -> frozenset[str]:
    """Variables that are read behind ``at``, or before it in a loop around it that does not set them first."""
    steps = list(dis.get_instructions(code))
    found = {name for one in steps if one.offset > at for what, name in _accesses(one) if what != "STORE"}
    begin = min(
        (one.argval for one in steps if one.offset > at and "JUMP_BACKWARD" in one.opname and one.argval <= at),
        default=at,
    )
    first: dict[str, str] = {}
    for one in steps:
        if begin <= one.offset < at:
            for what, name in _accesses(one):
                first.setdefault(name, what)
    return frozenset(found | {name for name, what in first.items() if what != "STORE"})


def _accesses(step: dis.Instruction) -> Iterator[tuple[str, str]]:
    """What an instruction does to variables of the function; some do two things at once."""
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return zip(_FAST.findall(step.opname), names, strict=False)


def _task(each: Any) -> Any:
    task: Any = asyncio.ensure_future(each)
    if task is not each:
        task._log_destroy_pending = False  # as gather() has it
    return task


class _Kind(Enum):
    """What was unpacked."""

    ORDERED = auto()
    SET = auto()
    NEW_SET = auto()
    """A set that nobody else knows."""
    UNKNOWN = auto()
    """Perhaps a set: what a function returned."""


def _kind(node: ast.expr, frame: FrameType) -> _Kind:
    match node:
        case ast.Set() | ast.SetComp():
            return _Kind.NEW_SET
        case ast.List() | ast.Tuple() | ast.DictComp() | ast.Dict():
            return _Kind.ORDERED
        case ast.Name() | ast.Attribute():
            found = _value(node, frame)
            return _Kind.SET if isinstance(found, (set, frozenset)) else _Kind.ORDERED
        case (
            ast.ListComp(elt=ast.Name(id=one), generators=[only])
            | ast.GeneratorExp(elt=ast.Name(id=one), generators=[only])
        ) if isinstance(only.target, ast.Name) and only.target.id == one:
            return _kind(only.iter, frame)
        case ast.ListComp() | ast.GeneratorExp():
            return _Kind.ORDERED  # they are made in it one by one
        case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _KEEPS:
            return _kind(inner, frame)
        case ast.Call(func=ast.Name(id=name)) if name in _SETS:
            return _Kind.NEW_SET
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _ORDERS:
            return _Kind.ORDERED
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _SET_OPERATIONS):
            sides = {_kind(left, frame), _kind(right, frame)}
            return _Kind.NEW_SET if sides & {_Kind.SET, _Kind.NEW_SET} else _Kind.UNKNOWN
    return _Kind.UNKNOWN


def _value(node: ast.expr, frame: FrameType) -> Any:
    """What a name or an attribute of what has a name is now, without running code for it; None for anything else."""
    match node:
        case ast.Name(id=name):
            return frame.f_locals[name] if name in frame.f_locals else frame.f_globals.get(name)
        case ast.Attribute(value=value, attr=name):
            try:
                return vars(_value(value, frame)).get(name)
            except TypeError:
                return None
    return None


@functools.lru_cache(maxsize=1_000)
def _call(code: CodeType, at: int) -> ast.Call | None:
    """The call that stands at an instruction, if it unpacks arguments and its source can be read."""
    if operation(code, at) != "CALL_FUNCTION_EX":
        return None
    place = list(code.co_positions())[at // 2]
    for node in _calls(code.co_filename):
        if (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) == place:
            return node
    return None


@functools.lru_cache(maxsize=8)
def _calls(filename: str) -> list[ast.Call]:
    try:
        module = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return []
    return [node for node in ast.walk(module) if isinstance(node, ast.Call)]
