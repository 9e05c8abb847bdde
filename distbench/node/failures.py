"""Exceptions of user code as a person wants to see them."""

from __future__ import annotations

import asyncio
import traceback

from distbench.node.suspended import is_framework


def render_traceback(error: BaseException) -> str:
    """The traceback without the framework's frames, causes and groups included."""
    shown = traceback.TracebackException.from_exception(error, compact=True)
    _strip(shown)
    return "".join(shown.format()).rstrip()


def _strip(shown: traceback.TracebackException) -> None:
    kept = [frame for frame in shown.stack if not is_framework(frame.filename)]
    if kept:
        shown.stack = traceback.StackSummary.from_list(kept)
    for inner in (shown.__cause__, shown.__context__, *(getattr(shown, "exceptions", None) or ())):
        if inner is not None:
            _strip(inner)


def name_exception(error: BaseException) -> str:
    """``ValueError: too late``."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_cancellation(error: BaseException) -> bool:
    """Whether a coroutine ended because it was cancelled, which is no failure."""
    return isinstance(error, asyncio.CancelledError)
