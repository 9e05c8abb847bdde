"""Exceptions of user code as a person wants to see them."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Final

from distbench.errors import PeerDown
from distbench.node.instructions import operation
from distbench.node.suspended import is_framework

HAS_ENDED: Final = "has ended"
"""Why a call raises ``PeerDown`` while nodes leave."""


def writable(text: str) -> str:
    """``text`` as any stream and format can write it: half a character, as file names may hold, is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def render_traceback(error: BaseException) -> str:
    """The traceback without the framework's frames, causes and groups included."""

    def render() -> str:
        shown = traceback.TracebackException.from_exception(error, compact=True)
        _strip(shown)
        return "".join(shown.format()).rstrip()

    return shown(render) or name_exception(error)


def _strip(shown: traceback.TracebackException, inner_one: bool = False) -> None:
    kept = [frame for frame in shown.stack if not is_framework(frame.filename)]
    if kept or inner_one:  # an exception of the framework's own has nothing else to show
        shown.stack = traceback.StackSummary.from_list(kept)
    for inner in (shown.__cause__, shown.__context__, *(getattr(shown, "exceptions", None) or ())):
        if inner is not None:
            _strip(inner, inner_one=True)


def name_exception(error: BaseException) -> str:
    """``ValueError: too late``."""
    text = shown(lambda: str(error))
    if text is None:
        text = "<it cannot be shown>"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def safe_repr(value: object) -> str:
    """``repr`` of what may be the user's own class."""
    return shown(lambda: repr(value)) or f"<{type(value).__name__} that cannot be shown>"


def shown(render: Callable[[], str]) -> str | None:
    """What ``render`` makes with methods of the user's classes, or None: a failure must be told in any case."""
    try:
        return writable(render())
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - what cannot even be shown may raise anything
        return None


def is_cut_off(error: BaseException) -> bool:
    """Whether nothing went wrong but calls that the end of the run cut off, which is no failure."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_cut_off, error.exceptions))
    return isinstance(error, PeerDown) and error.reason == HAS_ENDED


def is_cancellation(error: BaseException) -> bool:
    """Whether a coroutine ended because it, or what it waited for, was cancelled, which is no failure.

    A ``raise CancelledError`` of the algorithm's own is one: nobody had cancelled anything.
    """
    if not isinstance(error, asyncio.CancelledError):
        return False
    return isinstance(error.__context__, asyncio.CancelledError) or not _raised_by_hand(error)


def is_closing(error: BaseException) -> bool:
    """Whether it is what closes this coroutine, and not raised by something that it called."""
    return isinstance(error, GeneratorExit) and (error.__traceback__ is None or error.__traceback__.tb_next is None)


def _raised_by_hand(error: BaseException) -> bool:
    """Whether the algorithm has a ``raise`` where ``error`` began."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None:
        return False
    code = step.tb_frame.f_code
    return not is_framework(code.co_filename) and operation(code, step.tb_lasti) == "RAISE_VARARGS"
