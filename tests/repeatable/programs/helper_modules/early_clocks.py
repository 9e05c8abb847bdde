"""Binds functions of the module time when it is imported."""

from time import monotonic, time, time_ns
from time import perf_counter as tick


def clocks() -> list[float]:
    return [time(), monotonic(), tick(), time_ns()]
