"""Functions that keep a clock in their closure."""

import time
from collections.abc import Callable
from random import random


def make_clock(source: Callable[[], float] = time.time) -> Callable[[], float]:
    def clock() -> float:
        return source() + 1

    return clock


def make_dice() -> Callable[[], float]:
    throw = random
    return lambda: throw() * 6


CLOCK = make_clock()
DICE = make_dice()
