"""Files that are written whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

_LONGEST: Final = 200
"""Bytes of a file's name before its suffix; most systems have room for 255."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file anew. Raises OSError, and then an ordinary file is as it was before, or as before not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        found = None
    target = Path(os.path.realpath(path))
    if found is not None and (_is_open_elsewhere(path, found) or not os.access(target.parent, os.W_OK)):
        with path.open("wb") as file:  # nothing can take its place
            file.write(data)
        return
    if found is not None and not os.access(target, os.W_OK):
        with target.open("ab"):  # says why
            pass
    beside = target.with_name(f".{token_hex(8)}.part")
    write_new([(beside, data, 0o666 if found is None else stat.S_IMODE(found.st_mode))])
    try:
        if found is not None:
            with suppress(OSError):  # whose it was, where that can be kept
                os.chown(beside, found.st_uid, found.st_gid)
            os.chmod(beside, stat.S_IMODE(found.st_mode))
        beside.replace(target)
    except BaseException:
        beside.unlink()
        raise


def _is_open_elsewhere(path: Path, found: os.stat_result) -> bool:
    """It is a device or a pipe, or stands for what this process has open (``/dev/stdout``)."""
    return not stat.S_ISREG(found.st_mode) or path.absolute().is_relative_to("/dev")


def write_new(files: Iterable[tuple[Path, bytes, int]]) -> None:
    """Write files that are not there yet, each with its mode: all, or none where OSError is raised."""
    made: list[Path] = []
    try:
        for path, data, mode in files:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
            made.append(path)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
    except BaseException:
        for path in made:
            path.unlink()
        raise


def append_whole(path: Path, data: bytes) -> None:
    """Add to a file, which is made if need be. Raises OSError, and then an ordinary file is as it was before."""
    there = path.exists()
    with path.open("ab", buffering=0) as file:
        before = os.fstat(file.fileno())
        try:
            left = memoryview(data)
            while left:
                left = left[file.write(left) or 0 :]
        except BaseException:
            if stat.S_ISREG(before.st_mode):
                file.truncate(before.st_size)
                if not there:
                    path.unlink()
            raise


def shortened(name: str) -> str:
    """``name`` where it is short enough for a file; else its beginning and a digest, as no escaped name looks."""
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= _LONGEST:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    return f"{encoded[: _LONGEST - 20].decode(errors='ignore')}%~{digest}"
