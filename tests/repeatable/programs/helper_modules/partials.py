"""Clocks and generators wrapped by functools.partial."""

import functools
import random
import time

stamp = functools.partial(time.strftime, "%Y-%m-%d %H:%M:%S")
dice = functools.partial(random.randint, 1, 1_000_000)
nested = functools.partial(functools.partial(round), 3.7)
now = functools.partial(time.time)
