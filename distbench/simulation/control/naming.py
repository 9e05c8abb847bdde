"""What a user's code called, by name: the outermost function of Python's own library between it and what happened."""

from __future__ import annotations

import signal
import sys
import types
from pathlib import Path
from typing import Any, Final

from distbench.node.suspended import is_ours, is_python

_HERE: Final = str(Path(__file__).parent)
_DEBUGGERS: Final = frozenset({"bdb", "pdb", "code", "IPython", "ipdb", "pydevd", "_pydevd_bundle", "debugpy"})


def called(frame: types.FrameType | None, name: str) -> str:
    """``queue.Queue.get()`` rather than the lock inside it, as seen from ``frame``; ``name`` where nothing is around.

    Frames of stand-ins count as what they stand for.
    """
    while frame is not None:
        filename = frame.f_code.co_filename
        if not filename.startswith(_HERE):
            if not is_python(filename):
                break
            name = _public(frame) or name
        frame = frame.f_back
    return name


def by_library(frame: types.FrameType | None) -> bool:
    """Whether it is Python's own library that called."""
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return frame is not None and is_python(frame.f_code.co_filename)


def by_bystander(frame: types.FrameType | None) -> bool:
    """Whether what happens is none of the step's doing: it came by a signal, or a debugger does it for its user."""
    handlers = {_code(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    while frame is not None and not _is_outside(frame.f_code.co_filename):
        if frame.f_code in handlers or _package(frame) in _DEBUGGERS:
            return True
        frame = frame.f_back
    return False


def _is_outside(filename: str) -> bool:
    """Whether the step is left there: a run may have been started from a notebook, or under a debugger."""
    return is_ours(filename) and not filename.startswith(_HERE)


def _code(handler: Any) -> object:
    return getattr(getattr(handler, "func", handler), "__code__", None)  # of a partial, what it calls


def _package(frame: types.FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _public(frame: types.FrameType) -> str:
    """How a program writes the function that ``frame`` runs, and '' for one without a name of its own."""
    code, module = frame.f_code, str(frame.f_globals.get("__name__", ""))
    names = code.co_qualname.split(".")
    if "<" in code.co_qualname or module.startswith("importlib"):
        return ""
    if len(names) == 1:
        return f"{_exported(module, names[0])}()"
    module, owner = _class_of(frame, module, names[-2])
    package = sys.modules.get(module.partition(".")[0])
    if getattr(getattr(package, names[-1], None), "__code__", None) is code:  # multiprocessing.Pool is a method
        return f"{module.partition('.')[0]}.{names[-1]}()"
    owner = _exported(module, owner)
    return f"{owner}()" if names[-1] in ("__init__", "__new__", "__call__") else f"{owner}.{names[-1]}()"


def _class_of(frame: types.FrameType, module: str, name: str) -> tuple[str, str]:
    """Module and name of the most special class of the library that the object of a method has."""
    first: Any = frame.f_locals.get(frame.f_code.co_varnames[0]) if frame.f_code.co_argcount else None
    for cls in (first if isinstance(first, type) else type(first)).__mro__:
        if any(each.__name__ == name for each in cls.__mro__):
            file = getattr(sys.modules.get(cls.__module__), "__file__", None)
            if file is not None and is_python(file):
                return cls.__module__, cls.__name__
    return module, name


def _exported(module: str, name: str) -> str:
    """``concurrent.futures.Future``, not ``concurrent.futures._base.Future``: the shortest place that has it."""
    parts = module.split(".")
    for end in range(1, len(parts)):
        package = ".".join(parts[:end])
        if hasattr(sys.modules.get(package), name):
            return f"{package}.{name}"
    return f"{module}.{name}"
