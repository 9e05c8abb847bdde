"""The first import of a module: what its own top level takes from outside is the same in every process.

It runs on a machine of its own, keyed by the module's name, so that the order of imports does not matter; nor does an
import inside a node's step draw what the node would draw otherwise.
"""

from __future__ import annotations

import importlib
import time
from asyncio import events
from collections.abc import Callable, Iterator
from contextvars import Token
from importlib.machinery import ModuleSpec
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from distbench.community import PeerId
from distbench.simulation.choices import Choices
from distbench.simulation.control.ownership import is_of_user
from distbench.simulation.control.standin import StandIn
from distbench.simulation.machine import Machine, current_machine
from distbench.simulation.scheduler import Scheduler

_CHOICES: Final = Choices(0)
_real_clock = time.perf_counter_ns


class ImportMachine(Machine):
    """What a module sees at its top level: the date at which every run begins, and entropy of its own."""

    __slots__ = ("_around", "_began", "module")
    refuses = False

    def __init__(self, module: str) -> None:
        super().__init__(PeerId(f"import {module}"), Scheduler(), _CHOICES)
        self.module = module
        self._around = events._get_running_loop()
        self._began = _real_clock()

    def read(self) -> int:
        """As at a node, but a loop that the module runs itself must see the time pass for which it really waits."""
        if events._get_running_loop() is not self._around:
            self._scheduler.now = _real_clock() - self._began
        return super().read()


class Imports:
    """What the stand-ins in the machinery of imports know beside the step that is running."""

    def __init__(self) -> None:
        self.everywhere = False
        """A user's module gets a machine also where no node and no other module imports it."""
        self.loaded: list[str] = []
        """The modules that were loaded since somebody emptied this."""
        self.on_loaded: Callable[[str], object] = str
        """Hears of each module that has been loaded."""

    def begin(self, name: str, file: str | None) -> Token[Machine | None] | None:
        """The first import of a module begins; None where it stays on the machine that it is on."""
        self.loaded.append(name)
        machine = current_machine.get()
        if machine is None:
            if not (self.everywhere and is_of_user(name, file)):
                return None
        elif isinstance(machine, ImportMachine) and machine.module == name:
            return None
        return current_machine.set(ImportMachine(name))

    def has_begun(self, names: dict[str, Any]) -> bool:
        """Whether a module of the user's is being loaded now, on its own machine."""
        machine = current_machine.get()
        ours = isinstance(machine, ImportMachine) and machine.module == names["__name__"]
        return ours and is_of_user(names["__name__"], names.get("__file__"))


imports: Final = Imports()


def stand_ins() -> Iterator[StandIn]:
    """Of what loads a module: by an import of any kind, and by its loader alone."""
    bootstrap: Any = importlib._bootstrap
    yield StandIn(bootstrap, "_load_unlocked", _load(bootstrap._load_unlocked))
    external: Any = importlib._bootstrap_external
    loader = external._LoaderBasics
    yield StandIn(loader, "exec_module", _exec(loader.exec_module))


def _load(real: FunctionType) -> FunctionType:
    def _load_unlocked(spec: ModuleSpec) -> Any:
        token = imports.begin(spec.name, spec.origin if spec.has_location else None)
        try:
            module = real(spec)
            imports.on_loaded(spec.name)
            return module
        finally:
            if token is not None:
                current_machine.reset(token)

    return _hidden(_load_unlocked, real)


def _exec(real: FunctionType) -> FunctionType:
    bootstrap: Any = importlib._bootstrap

    def exec_module(self: Any, module: ModuleType) -> None:
        names = object.__getattribute__(module, "__dict__")  # a lazy module would load itself to be asked for it
        token = imports.begin(names["__name__"], names.get("__file__"))
        try:
            code = self.get_code(names["__name__"]) if imports.has_begun(names) else None
            if code is None:
                real(self, module)
            else:
                bootstrap._call_with_frames_removed(exec, with_sets_in_order(code), names)
        finally:
            if token is not None:
                current_machine.reset(token)

    return _hidden(exec_module, real)


def with_sets_in_order(code: CodeType) -> CodeType:
    """``code`` with its constant sets made anew, in an order of their own.

    Where hashes collide, a set iterates in the order in which it was filled, and that is another one in the process
    that compiles a module than in those that load what the first has compiled.
    """
    return code.replace(co_consts=tuple(_in_order(each) for each in code.co_consts))


def _in_order(constant: Any) -> Any:
    if isinstance(constant, frozenset):
        return frozenset(sorted((_in_order(each) for each in constant), key=_name))
    if isinstance(constant, tuple):
        return tuple(_in_order(each) for each in constant)
    return with_sets_in_order(constant) if isinstance(constant, CodeType) else constant


def _name(constant: Any) -> tuple[str, str]:
    return type(constant).__name__, repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


def _hidden(function: Any, real: FunctionType) -> FunctionType:
    """Python leaves its own machinery out of the traceback of an import that fails; this is part of it."""
    hidden: FunctionType = function
    hidden.__code__ = hidden.__code__.replace(co_filename=real.__code__.co_filename)
    return hidden
