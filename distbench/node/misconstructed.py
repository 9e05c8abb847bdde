"""A message that could not be made in a node's step, told as it would be elsewhere.

During a run a class makes its messages without a word more than msgspec's, since that is on the way of every message.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import linecache
from collections.abc import Mapping
from types import CodeType, FrameType, ModuleType
from typing import Any

from distbench.construction import explain_construction, suits
from distbench.messages import is_message


def explain_misconstructed(error: BaseException) -> None:
    """Give ``error`` the words for what is wrong, if it is msgspec's about the arguments of a message."""
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():  # of a TaskGroup
        explain_misconstructed(inner)
    text, traceback = str(error) if type(error) is TypeError else "", error.__traceback__
    if traceback is None or not text:
        return
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    cls = _called(traceback.tb_frame, traceback.tb_lasti) or _mentioned(traceback.tb_frame, text)
    if is_message(cls) and suits(cls, text):
        error.args = (explain_construction(cls, text),)


def _called(frame: FrameType, instruction: int) -> Any:
    """What the source of the instruction calls, as far as names and attributes say it."""
    position = next(itertools.islice(frame.f_code.co_positions(), instruction // 2, None), None)
    try:
        tree = ast.parse(_segment(frame.f_code, position), mode="eval")
    except (SyntaxError, ValueError):
        return None
    return _value(tree.body.func, frame) if isinstance(tree.body, ast.Call) else None


def _segment(code: CodeType, position: Any) -> str:
    if position is None or None in position:
        return ""
    first, last, start, end = position
    lines = [linecache.getline(code.co_filename, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return f"({b''.join(lines).decode()})"


def _value(node: ast.expr, frame: FrameType) -> Any:
    if isinstance(node, ast.Name):
        return _named(node.id, frame)
    if isinstance(node, ast.Subscript):  # Box[int](...)
        return _value(node.value, frame)
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, frame)
        if node.attr == "__class__":
            return type(owner)
        if isinstance(owner, ModuleType):
            return vars(owner).get(node.attr)
        return None if owner is None else inspect.getattr_static(owner, node.attr, None)
    return None


def _named(name: str, frame: FrameType) -> Any:
    places: tuple[Mapping[str, Any], ...] = (frame.f_locals, frame.f_globals)
    return next((names[name] for names in places if name in names), None)


def _mentioned(frame: FrameType, text: str) -> Any:
    """Without a source: the one message class that the code names, and that msgspec could have meant."""
    code = frame.f_code
    values = [_named(name, frame) for name in (*code.co_names, *code.co_varnames, *code.co_freevars)]
    found = {value for value in values if is_message(value) and suits(value, text)}
    return found.pop() if len(found) == 1 else None
