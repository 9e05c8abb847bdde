"""What steps of simulated nodes read of the real world, past the stand-ins: by a reference that these do not reach.

It is found by watching calls, which is slow: only where a run is audited.
"""

from __future__ import annotations

import gc
import os
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

from distbench.simulation.machine import current_machine


class Read(NamedTuple):
    """One place at which nodes read something."""

    node: str
    what: str
    where: str
    """``file.py:12``."""
    real: bool
    """Of the real world, which no seed repeats; else only of this process, which may differ from another."""


_CLOCKS: Final = (
    "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns thread_time "
    "thread_time_ns clock_gettime clock_gettime_ns sleep"
)
_SYSTEM: Final = (
    "urandom getrandom getpid getppid getpgrp getpgid getsid times getloadavg uname statvfs cpu_count "
    "sched_getaffinity process_cpu_count get_terminal_size"
)
_REAL: Final[Mapping[str, frozenset[str]]] = {
    "time": frozenset(_CLOCKS.split()),
    "posix": frozenset(_SYSTEM.split()),
    "nt": frozenset(_SYSTEM.split()),
    "resource": frozenset({"getrusage"}),
    "_socket": frozenset("gethostname getaddrinfo gethostbyname getnameinfo".split()),
    "_thread": frozenset({"get_native_id"}),
}
_OF_THE_PROCESS: Final[Mapping[str, frozenset[str]]] = {
    "builtins": frozenset({"id", "hash"}),
    "time": frozenset("localtime mktime strftime tzset".split()),
    "gc": frozenset("get_count get_stats get_objects get_threshold isenabled get_freeze_count collect".split()),
    "sys": frozenset("getrefcount getallocatedblocks _current_frames _debugmallocstats".split()),
    "_locale": frozenset("setlocale localeconv strcoll strxfrm nl_langinfo getencoding".split()),
    "posix": frozenset("getcwd getuid geteuid getgid getlogin isatty umask listdir scandir stat lstat".split()),
    "_thread": frozenset({"get_ident"}),
}
_NAMES: Final = frozenset().union(*_REAL.values(), *_OF_THE_PROCESS.values())
_OF_A_CLASS: Final = frozenset({"now", "utcnow", "today", "fromtimestamp"})
"""Of ``datetime``; the last takes the time zone only."""
_OF_THE_SYSTEM: Final = ("/proc/", "/dev/", "/sys/")
_ENVIRONMENT: Final = frozenset({"__getitem__", "__iter__", "__len__"})
_OS_FILE: Final = os.environ.__class__.__getitem__.__code__.co_filename

_HERE: Final = str(Path(__file__).resolve().parent.parent.parent) + os.sep
_LIBRARY: Final = sysconfig.get_path("stdlib") + os.sep
_NOT_THE_LIBRARYS: Final = ("site-packages" + os.sep, "dist-packages" + os.sep)
_MACHINERY: Final = tuple(
    _LIBRARY + name for name in ("logging", "asyncio", "threading.py", "importlib", "warnings.py", "traceback.py")
)
"""What reads for itself, and shows none of it to a program that does not ask."""


class ReadWatch:
    """Within the block, tells each read of this thread at the moment at which it happens."""

    def __init__(self, tell: Callable[[Read], None]) -> None:
        self._tell = tell
        self._skipped: dict[str, bool] = {}

    def __enter__(self) -> ReadWatch:
        sys.addaudithook(self._heard)  # a file has a name there; such a hook cannot be taken back
        self._on = True
        sys.setprofile(self._called)
        return self

    def __exit__(self, *exception: object) -> None:
        sys.setprofile(None)
        self._on = False

    _on = False

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            name = argument.__name__
            if name in _NAMES:
                module = getattr(argument, "__module__", None) or ""
                real = name in _REAL.get(module, ())
                if real or name in _OF_THE_PROCESS.get(module, ()):
                    shown = name if module == "builtins" else f"{_SHOWN.get(module, module)}.{name}"
                    self._read(frame, f"{shown}()", real)
            elif name in _OF_A_CLASS:
                owner = getattr(argument, "__self__", None)
                if isinstance(owner, type) and owner.__module__ == "datetime":
                    self._read(frame, f"{owner.__name__}.{name}()", name != "fromtimestamp")
        elif event == "call":
            code = frame.f_code
            if code.co_name in _ENVIRONMENT and code.co_filename == _OS_FILE and frame.f_back is not None:
                key = frame.f_locals.get("key")
                self._read(frame.f_back, f"os.environ[{key!r}]" if isinstance(key, str) else "os.environ", False)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "open" and isinstance(arguments[0], str):
            self._read(sys._getframe(1), f"open({arguments[0]!r})", arguments[0].startswith(_OF_THE_SYSTEM))
        elif event == "ctypes.dlsym":
            self._read(sys._getframe(1), f"{arguments[1]}() of a C library", True)

    def _read(self, frame: FrameType, what: str, real: bool) -> None:
        """Tell it, with the line that is nobody's but the program's."""
        machine = current_machine.get()
        if machine is None or self._is_skipped(frame.f_code.co_filename):
            return
        heard = [getattr(each, "__code__", None) for each in gc.callbacks]  # who hears of collections is no node
        place: FrameType | None = frame
        while place is not None and (file := place.f_code.co_filename) != "":
            if (file.startswith(_HERE) and not file.startswith(_HERE + "algorithms")) or place.f_code in heard:
                return  # the framework's own
            if not self._is_library(file):
                self._tell(Read(machine.node_id, what, f"{os.path.basename(file)}:{place.f_lineno}", real))
                return
            place = place.f_back

    def _is_skipped(self, file: str) -> bool:
        found = self._skipped.get(file)
        if found is None:
            ours = file.startswith(_HERE) and not file.startswith(_HERE + "algorithms")
            found = self._skipped[file] = ours or file.startswith((*_MACHINERY, "<frozen importlib"))
        return found

    @staticmethod
    def _is_library(file: str) -> bool:
        return file.startswith("<frozen") or (
            file.startswith(_LIBRARY) and not file.startswith(tuple(_LIBRARY + name for name in _NOT_THE_LIBRARYS))
        )


_SHOWN: Final = {"posix": "os", "nt": "os", "_socket": "socket", "_thread": "threading", "_locale": "locale"}
