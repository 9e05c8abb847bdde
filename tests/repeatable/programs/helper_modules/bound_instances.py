"""Objects made at import that keep a clock, or a bound method of a generator."""

import random
import time


class Clock:
    def __init__(self, read=time.monotonic) -> None:
        self.read = read


CLOCK = Clock()
SHUFFLE = random.shuffle
GAUSS = random.gauss
