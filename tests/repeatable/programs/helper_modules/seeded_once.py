"""A generator with a seed of its own, and the module's seeded at import."""

import random

FIXED = random.Random(7)
