"""Functions in tables: lambdas, lists, tuples, nested."""

import random
import time
from datetime import datetime
from types import SimpleNamespace

CLOCKS = {"wall": time.time, "mono": lambda: time.monotonic(), "date": datetime.now}
LIST = [time.time_ns, random.random, (time.perf_counter, random.getrandbits)]
DEEP = {"a": [{"b": (time.monotonic_ns,)}]}
SPACE = SimpleNamespace(now=time.time, pick=random.choice)
