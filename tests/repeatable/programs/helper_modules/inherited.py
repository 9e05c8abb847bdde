"""A base class of algorithms with a clock of its own."""

import random
import time

from distbench import Algorithm


class Clocked(Algorithm):
    clock = staticmethod(time.time)

    def stamp(self, now=time.monotonic, pick=random.random) -> str:
        return f"{self.clock()} {now()} {pick()}"
