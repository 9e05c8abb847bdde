"""Where a suspended coroutine stands, and what it waits for."""

from __future__ import annotations

import asyncio
import gc
import linecache
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_ALGORITHMS = str(Path(_PACKAGE) / "algorithms")
_ASYNCIO = str(Path(asyncio.__file__).parent)
_SLEEP = asyncio.sleep.__code__
_LIBRARY = str(Path(asyncio.__file__).parent.parent)


def is_framework(filename: str) -> bool:
    """Whether a frame belongs to distbench or asyncio rather than to an algorithm."""
    inside = filename.startswith((_PACKAGE, _ASYNCIO)) and not filename.startswith(_ALGORITHMS)
    return inside or filename.startswith("<frozen")


def is_ours(filename: str) -> bool:
    """Whether it is distbench's own, and no shipped algorithm."""
    return filename.startswith(_PACKAGE) and not filename.startswith(_ALGORITHMS)


def is_library(filename: str) -> bool:
    """Whether it is Python's own, such as ``contextlib``; asyncio counts as framework."""
    inside = filename.startswith(_LIBRARY) and "site-packages" not in filename
    return inside and not filename.startswith(_ASYNCIO)


def is_python(filename: str) -> bool:
    """Whether it is Python's own, asyncio and what Python is built with included."""
    inside = filename.startswith(_LIBRARY) and "site-packages" not in filename and "dist-packages" not in filename
    return inside or filename.startswith("<frozen")


def is_algorithm(filename: str) -> bool:
    """Whether a frame is an algorithm's, or of what it uses beyond Python's own library."""
    return not is_framework(filename) and not is_library(filename)


def _generator(step: Any) -> Any:
    """The asynchronous generator behind what ``async for`` waits for, which has no attribute that leads there."""
    if type(step).__name__ not in ("async_generator_asend", "async_generator_athrow"):
        return None
    return next((each for each in gc.get_referents(step) if isinstance(each, types.AsyncGeneratorType)), None)


def busy_at(frames: Iterable[tuple[types.FrameType, int]]) -> str:
    """``raft.py:41: while not self.elected``: the last of ``frames`` (with line numbers) that is the algorithm's."""
    return last_line((frame.f_code.co_filename, line) for frame, line in frames)


def last_line(places: Iterable[tuple[str, int]]) -> str:
    """The last of ``places``, files and lines, that is the algorithm's, as ``busy_at`` says it."""
    found = ""
    for filename, line in places:
        if is_algorithm(filename):
            found = f"{Path(filename).name}:{line}: {linecache.getline(filename, line).strip()}"
    return found


def sleeps(coro: Any) -> bool:
    """Whether a coroutine waits in ``asyncio.sleep``, itself or in what it called."""
    return any(getattr(step, "cr_code", None) is _SLEEP for step, _ in _chain(coro))


def standing(coro: Any) -> tuple[str, str]:
    """``('raft.py:41', 'await self.votes.get()')``: the innermost line of the algorithm, and what stands there."""
    place, text = "", ""
    for _, frame in _chain(coro):
        filename = frame.f_code.co_filename
        if is_algorithm(filename):
            place = f"{Path(filename).name}:{frame.f_lineno}"
            text = linecache.getline(filename, frame.f_lineno).strip()
    return place, text


def _chain(coro: Any) -> Iterator[tuple[Any, types.FrameType]]:
    """A coroutine, what it waits for, and so on, each with its frame."""
    while coro is not None:
        coro = _generator(coro) or coro
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "ag_frame", None) or getattr(coro, "gi_frame", None)
        if frame is None:
            return
        yield coro, frame
        following = getattr(coro, "cr_await", None) or getattr(coro, "ag_await", None)
        coro = following if following is not None else getattr(coro, "gi_yieldfrom", None)
