"""Functions of the clock behind functools.wraps, lru_cache and properties."""

import functools
import operator
import time
from datetime import datetime


@functools.wraps(time.time)
def now():
    return now.__wrapped__()


@functools.cache
def day(number: int):
    return number, datetime.now()


class Reading:
    value = property(lambda self, now=time.time: now())
    lazily = functools.cached_property(lambda self, now=time.monotonic: now())


call = operator.methodcaller("now")
