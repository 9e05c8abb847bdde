"""What a run in this process could leave behind: patched functions, tasks, threads, descriptors, objects."""

from __future__ import annotations

import asyncio
import datetime
import gc
import logging
import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass

PLACES = (
    (time, ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")),
    (os, ("urandom", "fork", "getrandom")),
    (uuid, ("uuid1", "uuid4", "_generate_time_safe")),
    (random, ("random", "randrange", "seed", "_inst", "_urandom", "SystemRandom")),
    (datetime, ("datetime", "date")),
    (socket, ("socket", "create_connection", "getaddrinfo")),
    (subprocess, ("Popen",)),
    (threading.Thread, ("start", "run")),
    (
        asyncio,
        ("run", "sleep", "new_event_loop", "get_running_loop", "Task", "Future", "create_task", "wait", "gather"),
    ),
    (asyncio.tasks, ("Task", "current_task", "_enter_task", "_leave_task", "ensure_future")),
    (logging, ("time", "_srcfile", "Formatter", "LogRecord")),
    (sys, ("excepthook", "unraisablehook", "stdout", "stderr", "getswitchinterval")),
)
SPARE_OBJECTS = 200
"""Objects more or less that say nothing: the caches of Python itself."""


@dataclass(frozen=True)
class Snapshot:
    """The state of this process that a run must give back."""

    names: dict[str, object]
    values: dict[str, object]
    objects: int

    @staticmethod
    def take() -> Snapshot:
        names = {
            f"{getattr(owner, '__name__', owner)}.{name}": getattr(owner, name)
            for owner, attributes in PLACES
            for name in attributes
            if hasattr(owner, name)
        }
        tasks = getattr(asyncio.tasks, "_all_tasks", getattr(asyncio.tasks, "_scheduled_tasks", ()))
        values: dict[str, object] = {
            "state of module random": random.getstate(),
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "pending tasks": sum(not task.done() for task in list(tasks)),
            "running loop": asyncio._get_running_loop(),
            "log level and handlers": (
                logging.root.level,
                tuple(map(repr, logging.root.handlers)),
                logging.root.disabled,
            ),
            "trace and profile": (sys.gettrace(), sys.getprofile()),
            "garbage collector": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
            "modules": sorted(sys.modules),
            "environment": dict(os.environ),
            "open files": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
        }
        return Snapshot(names, values, len(gc.get_objects()))

    def changes(self, later: Snapshot) -> list[str]:
        """What is different in ``later``, one line each."""
        found = [f"{name} is another object" for name in self.names if self.names[name] is not later.names.get(name)]
        found += [f"{name} changed" for name in self.values if self.values[name] != later.values[name]]
        grown = later.objects - self.objects
        if grown > SPARE_OBJECTS:
            found.append(f"{grown} objects more")
        return found
