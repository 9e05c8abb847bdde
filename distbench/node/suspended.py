"""Where a suspended coroutine stands, and what it waits for."""

from __future__ import annotations

import asyncio
import linecache
from pathlib import Path
from typing import Any

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_ALGORITHMS = str(Path(_PACKAGE) / "algorithms")
_ASYNCIO = str(Path(asyncio.__file__).parent)


def is_framework(filename: str) -> bool:
    """Whether a frame belongs to distbench or asyncio rather than to an algorithm."""
    inside = filename.startswith((_PACKAGE, _ASYNCIO)) and not filename.startswith(_ALGORITHMS)
    return inside or filename.startswith("<frozen")


def standing(coro: Any) -> tuple[str, str]:
    """``('raft.py:41', 'await self.votes.get()')``: the innermost line of the algorithm, and what stands there."""
    place, text = "", ""
    while coro is not None:
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "ag_frame", None) or getattr(coro, "gi_frame", None)
        if frame is None:
            break
        filename = frame.f_code.co_filename
        if not is_framework(filename):
            place = f"{Path(filename).name}:{frame.f_lineno}"
            text = linecache.getline(filename, frame.f_lineno).strip()
        following = getattr(coro, "cr_await", None) or getattr(coro, "ag_await", None)
        coro = following if following is not None else getattr(coro, "gi_yieldfrom", None)
    return place, text
