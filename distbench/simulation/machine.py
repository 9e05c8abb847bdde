"""The machine that a simulated node believes it runs on: its clock, its entropy, its module-level ``random``."""

from __future__ import annotations

import math
import random
from contextvars import ContextVar
from typing import Final

from distbench.community import PeerId
from distbench.simulation.choices import Choices
from distbench.simulation.scheduler import Scheduler

SECOND: Final = 10**9
"""Nanoseconds; whole, for a whole number divided by it gives the nearest float that there is."""
READING: Final = 1_000
"""Nanoseconds by which a reading of a clock is later than the one before, at least."""
START: Final = 1_577_836_800 * SECOND
"""When every run begins on the wall clock, in nanoseconds since 1970: 2020-01-01T00:00:00 UTC."""


class Machine:
    """What the stand-ins for functions of the standard library answer from, within the steps of one node."""

    __slots__ = ("_choices", "_drawn", "_last", "_random", "_scheduler", "node_id", "number")

    refuses: bool = True
    """Whether what no seed can repeat is refused."""

    def __init__(self, node_id: PeerId, scheduler: Scheduler, choices: Choices, number: int = 1) -> None:
        """``number``: its place among the nodes of the run, which tells its process from theirs."""
        self.node_id = node_id
        self.number = number
        self._scheduler = scheduler
        self._choices = choices
        self._drawn = 0
        self._last = -READING
        self._random: random.Random | None = None

    def read(self) -> int:
        """A reading of the clock: nanoseconds since the run began, no two alike. The first may be the event's time."""
        self._last = max(self._scheduler.now, self._last + READING)
        return self._last

    def shown(self) -> int:
        """What the clock shows to who does not read it: the event's time, or the last reading if that is later."""
        return max(self._scheduler.now, self._last)

    def over(self, at: int, delay: float) -> int:
        """When a wait of ``delay`` seconds that begins now is over, if not before ``at``.

        After a reading it is some nanoseconds later where the floats of a clock would show it as shorter than it was.
        """
        if self._last >= self._scheduler.now:
            for begin in (self._last, START + self._last):
                shift = begin - self._last
                while (at + shift) / SECOND - begin / SECOND < delay:
                    at += max(1, math.ceil(math.ulp((at + shift) / SECOND) * SECOND / 2))
        return at

    def wall(self) -> int:
        """A reading of the wall clock: nanoseconds since 1970."""
        return START + self.read()

    def wall_shown(self) -> int:
        """What the wall clock shows to who does not read it."""
        return START + self.shown()

    def entropy(self, size: int) -> bytes:
        """What ``os.urandom`` gives."""
        self._drawn += 1
        return self._choices.secret(("entropy", self.node_id, self._drawn), size)

    @property
    def pid(self) -> int:
        """The number of the process that the node believes it is."""
        return 1000 + self.number

    @property
    def ident(self) -> int:
        """What ``threading.get_ident`` gives in its only thread."""
        return 0x7F00_0000_0000 + self.number * 0x1_0000

    @property
    def hardware(self) -> int:
        """The address of its network card, of those that are given out locally."""
        return 0x0200_0000_0000 + self.number

    @property
    def random(self) -> random.Random:
        """What the functions of the module ``random`` draw from."""
        if self._random is None:
            self._random = random.Random(self._choices.seed(("random", "module", self.node_id)))
        return self._random


current_machine: Final[ContextVar[Machine | None]] = ContextVar("distbench_machine", default=None)
"""Whose step it is, as the stand-ins ask: set where code of a simulated node runs, and in all that is started there."""
