"""Generators of random numbers that all code of a process shares, beside the module ``random``.

They are seeded for the run where they are loaded, and put back at its end. The nodes of a run share them: such a
library keeps one state a process, and offers no way to give each node its own.
"""

from __future__ import annotations

import contextlib
import contextvars
import random
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import current_machine

Seeded = Callable[[ModuleType, int], Callable[[], object]]
"""Seeds a library's generator; what it returns puts the generator back."""


def _numpy(module: ModuleType, seed: int) -> Callable[[], object]:
    generator = module._rand  # behind numpy.random.seed() and all functions beside it
    state = generator.get_state(legacy=False)
    generator.seed(seed % 2**32)
    return lambda: generator.set_state(state)


def _torch(module: ModuleType, seed: int) -> Callable[[], object]:
    state = module.get_rng_state()
    module.manual_seed(seed)
    return lambda: module.set_rng_state(state)


def _cupy(module: ModuleType, seed: int) -> Callable[[], object]:
    state = module.random.get_random_state()
    module.random.set_random_state(module.random.RandomState(seed % 2**32))
    return lambda: module.random.set_random_state(state)


GENERATORS_KEY: Final = ("random", "module")
"""Under which it is drawn what they are seeded with."""
GENERATORS: Final[dict[str, Seeded]] = {"numpy.random.mtrand": _numpy, "torch": _torch, "cupy": _cupy}
"""By the module that has the generator."""


def of_tempfile(module: ModuleType) -> Iterator[StandIn]:
    """Of the names of temporary files, which draw the node's entropy: no sequence lasts from run to run."""
    with contextlib.suppress(OSError):  # it tries names out when it is first asked for: let that be no node's doing
        contextvars.Context().run(module.gettempdir)
    yield StandIn(module._RandomNameSequence, "__next__", _name(module._RandomNameSequence.__next__))


def _name(real: Callable[[Any], str]) -> Callable[[Any], str]:
    def name(self: Any) -> str:
        machine = current_machine.get()
        if machine is None:
            return real(self)
        return "".join(random.Random(machine.entropy(16)).choices(self.characters, k=8))

    return name
