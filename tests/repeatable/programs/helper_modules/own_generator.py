"""A generator of random numbers at module level."""

import random

RNG = random.Random()
