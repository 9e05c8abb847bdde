"""What two processes may differ in though a run must not: how one is made to differ."""

from __future__ import annotations

import gc
import io
import locale
import os
import random
import sys
import time
from collections.abc import Collection
from enum import StrEnum
from typing import Final


class Way(StrEnum):
    """One of the ways in which the second process of an audit differs from the first."""

    MEMORY = "the addresses of objects"
    ZONE = "the time zone"
    LOCALE = "the locale"
    COLLECTOR = "when garbage is collected"
    ENVIRONMENT = "the environment and the terminal"
    LOGGING = "which logs are shown"
    PAST = "what an earlier run left in a module or a class"


ALL: Final = frozenset(Way)
NONE: Final[frozenset[Way]] = frozenset()

ZONE: Final = "Asia/Kathmandu"
"""The zone where nothing is a whole number of hours away; where it is not installed, the same as a rule."""
ZONE_RULE: Final = "NPT-5:45"
ZONE_OFFSETS: Final = (20_700, 19_800)
"""Seconds, since 1986 and before."""
_LOCALES: Final = ("de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8", "en_DK.UTF-8", "C.UTF-8", "POSIX", "C")
_VARIABLES: Final = {"TERM": "xterm-256color", "COLUMNS": "77", "LINES": "33", "DISTBENCH_AUDITED": "1"}

_FOR_THE_START: Final = {"PYTHONMALLOC": "malloc"}

_MOST_FILLED: Final = 1 << 20
"""Bytes of one size."""
_POOL: Final = 12_000
"""Bytes that come side by side only where there were no holes."""

_kept: list[object] = []


def differ(ways: Collection[Way]) -> None:
    """Make this process differ, for the rest of its life. The past and the logs are not made here."""
    own = [os.environ.pop(name, None) for name in _FOR_THE_START] == [None]
    if own and Way.MEMORY in ways:
        _fill_holes()
    for way in ways:
        if way in _MAKE:
            _MAKE[way]()


def variables(ways: frozenset[Way]) -> dict[str, str]:
    """What a process that is yet to start gets into its environment, beyond what ``differ`` does later."""
    return _FOR_THE_START if Way.MEMORY in ways else {}


def _fill_holes() -> None:
    """Of each size, take what an earlier life of this process has freed, until objects come side by side."""
    for size in range(16, 513, 16):
        together = last = 0
        for _ in range(_MOST_FILLED // size):
            one: object = object() if size == 16 else float(size) if size == 32 else bytes(size - 33)
            _kept.append(one)
            together = together + 1 if id(one) - last == size else 0
            last = id(one)
            if together * size > _POOL:
                break


def _memory() -> None:
    """Fill the heap with objects of all sizes and free every other one, so that what comes lies elsewhere."""
    order = random.Random(1)  # its own: the generator that all share is the program's
    kept: list[object] = [bytearray(order.randrange(1, 3000)) for _ in range(3000)]
    kept += [object() for _ in range(5000)]
    kept += [type("Kept", (), {"number": number})() for number in range(50)]
    kept += [{number: str(number)} for number in range(3000)]
    order.shuffle(kept)
    del kept[::2]
    _kept.append(kept)


def _zone() -> None:
    if not hasattr(time, "tzset"):
        return
    for name in (ZONE, ZONE_RULE):
        os.environ["TZ"] = name
        time.tzset()
        if time.timezone == -ZONE_OFFSETS[0]:
            return


def _locale() -> None:
    here = locale.setlocale(locale.LC_ALL)
    for name in _LOCALES:
        if name == here:
            continue
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        os.environ["LC_ALL"] = os.environ["LANG"] = name
        return


def _collector() -> None:
    gc.set_threshold(89, 3, 2)  # often, and in a bar of its own
    gc.freeze()


class _Terminal(io.TextIOWrapper):
    """Says that it is a terminal, and shows nothing."""

    def isatty(self) -> bool:
        return True


def _environment() -> None:
    os.environ.update(_VARIABLES)
    sys.stdout = sys.stderr = _Terminal(io.FileIO(os.devnull, "w"), encoding="utf-8", errors="replace")


_MAKE: Final = {
    Way.MEMORY: _memory,
    Way.ZONE: _zone,
    Way.LOCALE: _locale,
    Way.COLLECTOR: _collector,
    Way.ENVIRONMENT: _environment,
}
