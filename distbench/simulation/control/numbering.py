"""What asyncio's own objects hash to: a number in the order of their creation, not an address.

Locks, queues and their like, and the classes that somebody derives from tasks and futures, get a ``__hash__``. It stays
when a run is over: what is in a set is to be found there later too. For what no node made it is the one that it was.
"""

from __future__ import annotations

import asyncio
import re
from asyncio import events, mixins
from collections.abc import Callable, Iterator
from typing import Any, Final

from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import current_machine

_PLAIN: Final = tuple(
    getattr(asyncio, name) for name in "Lock Event Condition Semaphore Barrier Queue TaskGroup Timeout".split()
)
_FUTURE: Final[type] = asyncio.Future
_TASK: Final[type] = asyncio.Task
_UNNAMED: Final = re.compile(r"Task-\d+")


def stand_ins() -> Iterator[StandIn]:
    """Of what makes locks, queues and their like, which get their hash at once."""
    for owner in (mixins._LoopBoundMixin, asyncio.TaskGroup, asyncio.Timeout):
        if "__hash__" not in vars(owner):
            setattr(owner, "__hash__", _hash)  # noqa: B010 - which mypy would not have
    for owner in _PLAIN:
        yield StandIn(owner, "__init__", _numbered(owner.__init__))


def _loop() -> Any:
    """The simulation's loop, within a step of a node."""
    loop = None if current_machine.get() is None else events._get_running_loop()
    return loop if hasattr(loop, "adopt") else None


def _hash(self: object) -> int:
    number: int | None = getattr(self, "_distbench_number", None)
    return object.__hash__(self) if number is None else number


def _numbered(real: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *args: Any, **named: Any) -> None:
        loop = _loop()
        if loop is not None:
            self._distbench_number = loop.next_number()
        real(self, *args, **named)

    return init


# -------------------------------------------------- classes derived from futures and tasks


def number_derived() -> None:
    """All that there are by now."""
    derived: type
    for base in (_FUTURE, _TASK):
        for derived in type.__subclasses__(base):
            number_class(derived)


def number_class(derived: type) -> None:
    """One that derives from ``asyncio.Future`` or ``asyncio.Task`` itself; what derives from it inherits."""
    if derived.__module__.startswith(("distbench.", "_asyncio", "asyncio.")):
        return
    if vars(object)["__hash__"] is derived.__hash__ and vars(object)["__eq__"] is derived.__eq__:
        setattr(derived, "__hash__", _hash_of_future)  # noqa: B010 - as above
    if issubclass(derived, _TASK) and not hasattr(derived.__init__, "adopts"):
        setattr(derived, "__init__", _adopted(derived.__init__, "__init__" in vars(derived)))  # noqa: B010


def _hash_of_future(self: Any) -> int:
    number: int | None = getattr(self, "_distbench_number", None)
    if number is None:
        try:
            number = self._distbench_number = self.get_loop().next_number()
        except (AttributeError, RuntimeError):  # of another loop, or not complete yet
            return object.__hash__(self)
    return number


def _adopted(real: Callable[..., None], own: bool) -> Callable[..., None]:
    """A task that the loop does not make belongs to its node before it takes its first step, which may be at once."""

    def init(self: Any, *args: Any, **named: Any) -> None:
        loop = _loop()
        if loop is None or named.get("loop") not in (None, loop):
            real(self, *args, **named)
            return
        name = loop.adopt(self, named.get("context"))
        if not own:
            named.setdefault("name", name)
        try:
            real(self, *args, **named)
        except BaseException:
            loop.disown(self)
            raise
        if named.get("name") is None and _UNNAMED.fullmatch(self.get_name()):
            self.set_name(name)
        loop.begun(self)

    init.adopts = True  # type: ignore[attr-defined]
    return init
