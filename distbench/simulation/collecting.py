"""The collection of garbage, which a run does at moments of its own."""

from __future__ import annotations

import gc
import threading


class Collector:
    """Switches the automatic collection of garbage off while any thread simulates."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._was_on = False

    def pause(self) -> None:
        with self._lock:
            if self._runs == 0:
                self._was_on = gc.isenabled()
                gc.disable()
                gc.collect(1)  # what is no run's is not to be found in one
            self._runs += 1

    def resume(self) -> None:
        with self._lock:
            self._runs -= 1
            if self._runs == 0 and self._was_on:
                gc.enable()


collector = Collector()
