"""Exceptions of user code as a person wants to see them."""

from __future__ import annotations

import asyncio
import traceback
from typing import Final

from distbench.errors import PeerDown
from distbench.node.suspended import is_framework

HAS_ENDED: Final = "has ended"
"""Why a call raises ``PeerDown`` while nodes leave."""


def writable(text: str) -> str:
    """``text`` as any stream and format can write it: half a character, as file names may hold, is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def render_traceback(error: BaseException) -> str:
    """The traceback without the framework's frames, causes and groups included."""
    shown = traceback.TracebackException.from_exception(error, compact=True)
    _strip(shown)
    return writable("".join(shown.format()).rstrip())


def _strip(shown: traceback.TracebackException, inner_one: bool = False) -> None:
    kept = [frame for frame in shown.stack if not is_framework(frame.filename)]
    if kept or inner_one:  # an exception of the framework's own has nothing else to show
        shown.stack = traceback.StackSummary.from_list(kept)
    for inner in (shown.__cause__, shown.__context__, *(getattr(shown, "exceptions", None) or ())):
        if inner is not None:
            _strip(inner, inner_one=True)


def name_exception(error: BaseException) -> str:
    """``ValueError: too late``."""
    try:
        text = writable(str(error))
    except Exception:  # noqa: BLE001 - an exception of the user's that cannot even be shown
        text = "<it cannot be shown>"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def safe_repr(value: object) -> str:
    """``repr`` of what may be the user's own class."""
    try:
        return writable(repr(value))
    except Exception:  # noqa: BLE001 - a failure must be told even where the message cannot be shown
        return f"<{type(value).__name__} that cannot be shown>"


def is_cut_off(error: BaseException) -> bool:
    """Whether nothing went wrong but calls that the end of the run cut off, which is no failure."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_cut_off, error.exceptions))
    return isinstance(error, PeerDown) and error.reason == HAS_ENDED


def is_cancellation(error: BaseException) -> bool:
    """Whether a coroutine ended because it was cancelled, which is no failure."""
    return isinstance(error, asyncio.CancelledError)
