"""Entropy, and the generators that are seeded with it."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from distbench.simulation.control.standin import Routine, StandIn, routine
from distbench.simulation.machine import current_machine


def stand_ins() -> Iterator[StandIn]:
    """Of what the system gives, and of what draws from a generator that all code shares."""
    for name, value in list(vars(random).items()):
        if getattr(value, "__self__", None) is random._inst:
            yield StandIn(random, name, _shared(value, name))
    yield StandIn(os, "urandom", _urandom(os.urandom))
    yield StandIn(random, "_urandom", _urandom(os.urandom))
    if hasattr(os, "getrandom"):  # not every system has it
        yield StandIn(os, "getrandom", _urandom(os.getrandom))
    yield StandIn(random.Random, "seed", _seed(random.Random.seed))
    yield StandIn(uuid, "uuid1", _uuid1(uuid.uuid1))


def of_ssl(module: ModuleType) -> Iterator[StandIn]:
    """Of ``ssl``, which has the system's entropy from OpenSSL."""
    for name in ("RAND_bytes", "RAND_pseudo_bytes"):
        if hasattr(module, name):  # the latter until Python 3.11
            yield StandIn(module, name, _of_ssl(getattr(module, name), pseudo=name != "RAND_bytes"))


def _of_ssl(real: Callable[[int], Any], *, pseudo: bool) -> Callable[[int], Any]:
    def rand(size: int, /) -> Any:
        machine = current_machine.get()
        if machine is None:
            return real(size)
        return (machine.entropy(size), True) if pseudo else machine.entropy(size)

    return rand


def of_sodium(module: ModuleType) -> Iterator[StandIn]:
    """Of PyNaCl, whose keys and nonces come from here."""
    yield StandIn(module, "randombytes", _urandom(module.randombytes))


def _urandom(real: Callable[..., bytes]) -> Callable[..., bytes]:
    def urandom(size: int, /, *flags: int) -> bytes:
        machine = current_machine.get()
        return real(size, *flags) if machine is None else machine.entropy(size)

    return urandom


def _uuid1(real: Callable[..., uuid.UUID]) -> Callable[..., uuid.UUID]:
    def uuid1(node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
        machine = current_machine.get()
        if machine is None:
            return real(node, clock_seq)
        ticks = machine.wall() // 100 + 0x01B21DD213814000
        sequence = int.from_bytes(machine.entropy(2), "big") % 2**14 if clock_seq is None else clock_seq
        hardware = machine.hardware if node is None else node
        fields = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF)
        return uuid.UUID(fields=(*fields, sequence >> 8 & 0x3F, sequence & 0xFF, hardware), version=1)

    return uuid1


def _seed(real: Callable[..., None]) -> Callable[..., None]:
    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        machine = current_machine.get()
        if a is None and machine is not None:
            a = int.from_bytes(machine.entropy(32), "big")
        real(self, a, version)

    return seed


def _shared(real: Callable[..., Any], name: str) -> Routine:
    """A function of the module ``random``: one stream a node, as in processes."""

    def drawn(_: Routine, *args: Any, **named: Any) -> Any:
        machine = current_machine.get()
        return (real if machine is None else getattr(machine.random, name))(*args, **named)

    return routine(real, drawn)
