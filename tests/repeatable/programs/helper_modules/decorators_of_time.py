"""A decorator that times what it decorates."""

import functools
import time
from collections.abc import Callable
from typing import Any


def timed(function: Callable[..., Any], clock: Callable[[], float] = time.perf_counter) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **named: Any) -> Any:
        began = clock()
        result = await function(*args, **named)
        return result, clock() - began

    return wrapper
