"""Imported by a handler; imports what nothing has imported yet."""

import random
import string
import time
from datetime import datetime
from time import time as seconds

LOADED = seconds()
LETTERS = "".join(random.choice(string.ascii_letters) for _ in range(8))


def now() -> tuple[float, float, datetime]:
    return seconds(), time.monotonic(), datetime.now()
