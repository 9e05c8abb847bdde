"""A module whose names come from __getattr__."""

import random
import time
from typing import Any

_FOUND = {"now": time.time, "dice": random.random, "stamp": time.ctime}


def __getattr__(name: str) -> Any:
    try:
        return _FOUND[name]
    except KeyError:
        raise AttributeError(name) from None
