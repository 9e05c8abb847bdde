"""The machine that a simulated node believes it runs on: its clock, its entropy, its module-level ``random``."""

from __future__ import annotations

import random
from contextvars import ContextVar
from typing import Final

from distbench.community import PeerId
from distbench.simulation.choices import Choices
from distbench.simulation.scheduler import Scheduler


class Machine:
    """What the stand-ins for functions of the standard library answer from, within the steps of one node."""

    __slots__ = ("_choices", "_drawn", "_random", "_scheduler", "node_id")
    refuses = True
    """Whether it refuses what no seed can repeat."""

    def __init__(self, node_id: PeerId, scheduler: Scheduler, choices: Choices) -> None:
        self.node_id = node_id
        self._scheduler = scheduler
        self._choices = choices
        self._drawn = 0
        self._random: random.Random | None = None

    def read(self) -> int:
        """A reading of the clock: nanoseconds since the run began."""
        return self._scheduler.now

    def wall(self) -> int:
        """A reading of the wall clock: nanoseconds since 1970."""
        return self.read()

    def entropy(self, size: int) -> bytes:
        """What ``os.urandom`` gives."""
        self._drawn += 1
        return self._choices.secret(("entropy", self.node_id, self._drawn), size)

    @property
    def random(self) -> random.Random:
        """What the functions of the module ``random`` draw from."""
        if self._random is None:
            self._random = random.Random(self._choices.seed(("random", "module", self.node_id)))
        return self._random


current_machine: Final[ContextVar[Machine | None]] = ContextVar("distbench_machine", default=None)
"""Whose step it is, as the stand-ins ask: set where code of a simulated node runs, and in all that is started there."""
