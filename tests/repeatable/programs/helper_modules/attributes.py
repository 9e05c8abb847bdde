"""Classes that keep a clock as an attribute."""

import time
from random import choice
from uuid import uuid4


class Timed:
    clock = staticmethod(time.monotonic)
    wall = time.time
    make = staticmethod(uuid4)
    pick = staticmethod(choice)

    def reading(self) -> tuple[float, float]:
        return self.clock(), type(self).wall()


class Sub(Timed):
    pass
