"""What CPython is doing in a frame at this moment, as far as it tells whether a value was thrown away.

A value is let go of in the normal course of things, or because an exception (a cancellation) passes through and takes
the frame's values with it. No attribute of a frame says which, but the instruction does, mostly; where it may be both,
an exception under way shows in that a traceback refers to the frame.
"""

from __future__ import annotations

import dis
import gc
import sys
from types import CodeType, FrameType, TracebackType
from typing import Final

_DISCARDS: Final = ("POP_TOP", "STORE_FAST", "STORE_DEREF", "STORE_GLOBAL", "STORE_NAME", "DELETE_FAST", "DELETE_NAME")
"""How the instructions begin that let go of a value and never raise."""
_UNWINDS: Final = frozenset({"CLEANUP_THROW", "JUMP_BACKWARD_NO_INTERRUPT", "POP_EXCEPT", "RERAISE", "YIELD_VALUE"})
"""Instructions during which only an exception lets go of anything."""
_ENTERS: Final = frozenset({"CACHE", "CALL", "CALL_FUNCTION_EX", "CALL_KW", "FOR_ITER", "PRECALL", "SEND"})
"""Instructions during which what was called or awaited returns; in 3.11 and 3.12 a call stands at its last cache."""
_WORD: Final = 2
"""Bytes of an instruction."""


def operation(code: CodeType, at: int) -> str:
    """The name of the instruction that stands at an offset."""
    return dis.opname[code.co_code[at]] if at >= 0 else ""


def throws_away(frame: FrameType) -> bool:
    """Whether it throws away the value of an expression, such as what it called returned."""
    return operation(frame.f_code, frame.f_lasti) == "POP_TOP"


def is_calling(frame: FrameType) -> bool:
    """Whether it waits for what it called, or that is just returning."""
    return operation(frame.f_code, frame.f_lasti) in _ENTERS


def is_unwinding(frame: FrameType) -> bool:
    """Whether an exception passes through it, or is let go of there with the frames that it came through.

    The caller holds ``frame`` in one variable.
    """
    code, at = frame.f_code, frame.f_lasti
    name = operation(code, at)
    if name in _UNWINDS:
        return True
    if name.startswith(_DISCARDS):  # where 'except ... as error' ends, None is written over the error
        return [operation(code, at - back) for back in (2 * _WORD, _WORD)] == ["POP_EXCEPT", "LOAD_CONST"]
    if sys.getrefcount(frame) <= _USUAL:
        return False
    return any(type(each) is TracebackType and each.tb_lasti == at for each in gc.get_referrers(frame))


def _count() -> int:
    def references(frame: FrameType) -> int:
        return sys.getrefcount(frame)

    def call() -> int:
        frame = sys._getframe()
        return references(frame)

    return call()


_USUAL: Final = _count()
"""References to a running frame that no traceback refers to."""
