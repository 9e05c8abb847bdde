"""What is measured and what must be reached.

A ``Race`` runs a program of ours beside a floor that does the same work without a framework; its goal is a ratio.
A ``Probe`` runs a program of ours alone; its goal is a limit, and it may print figures to read the limit beside.
To add a target, add an entry: programs are commands that print lines ``name value``, and one program may serve
several goals.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import ROOT, gather, in_turn, ratios

Command = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    figures: str
    goal: str
    reached: bool


@dataclass(frozen=True)
class Race:
    """Ours beside the floor."""

    floor: Command
    ours: Command
    at_least: Mapping[str, float]
    """By name: the least ratio of ours to the floor."""
    about: str
    metrics: Mapping[str, str] = field(default_factory=dict)
    """What the programs call a name, where that is another."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.at_least)

    def measure(self, times: int) -> Iterator[Line]:
        floors, ours = in_turn([self.floor, self.ours], times)
        for name, least in self.at_least.items():
            metric = self.metrics.get(name, name)
            floor, mine = gather(floors, metric), gather(ours, metric)
            ratio = ratios(mine, floor)
            figures = f"{ratio} of the floor: {mine}/s beside {floor}/s"
            yield Line(name, figures, f"at least {least}", ratio.median >= least)


@dataclass(frozen=True)
class Limit:
    """The most that a figure may be."""

    most: float
    unit: str


@dataclass(frozen=True)
class Probe:
    """Ours alone."""

    ours: Command
    at_most: Mapping[str, Limit]
    """By metric."""
    about: str
    beside: Mapping[str, str]
    """By metric: what to call a figure that has no limit."""
    most_times: int = 1000
    """A long program whose figure hardly moves is not repeated more often."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.at_most)

    def measure(self, times: int) -> Iterator[Line]:
        (rounds,) = in_turn([self.ours], min(times, self.most_times))
        also = "".join(f", {label} {gather(rounds, metric)}" for metric, label in self.beside.items())
        for name, limit in self.at_most.items():
            spread = gather(rounds, name)
            goal = f"at most {limit.most:g} {limit.unit}"
            yield Line(name, f"{spread} {limit.unit}{also}", goal, spread.median <= limit.most)
            also = ""


Target = Race | Probe


def ours(program: str) -> Command:
    return (sys.executable, "-m", "benchmarks.programs", program)


def ours_tcp(program: str) -> Command:
    return (sys.executable, "-m", "benchmarks.programs_tcp", program)


def floor(tool: str, *program: str, own: str = "benchmarks.floor") -> Command:
    """The floor's program: a tool of that name where there is one, else our own.

    ``DISTBENCH_FLOORS`` names a folder of such tools; a checkout beside a folder ``shared/tools`` finds them there.
    """
    named = os.environ.get("DISTBENCH_FLOORS")
    found = (Path(named) if named else ROOT.parent / "shared" / "tools") / tool
    if found.is_file():
        return (sys.executable, str(found), *program)
    return (sys.executable, "-m", own, *program)


TARGETS: tuple[Target, ...] = (
    Race(floor("floor-offline", "relay"), ours("relay"), {"relay": 0.55}, "64 tokens hop on a ring of 64, offline"),
    Race(floor("floor-offline", "rr"), ours("rr"), {"rr": 0.4}, "one caller awaits each reply, offline"),
    Race(floor("floor-offline", "flood"), ours("flood"), {"flood": 0.5}, "100,000 casts in flight on complete:100"),
    Probe(
        ours("startup"),
        {"startup": Limit(0.35, "s")},
        "distbench -c configs/echo.yaml -a echo, from start to exit",
        {"python": "python -c pass"},
    ),
    Probe(
        ours("ring"),
        {"ring": Limit(1024, "MiB")},
        "peak memory while a ring of 10,000 elects its leader offline",
        {"seconds": "elected within s"},
        most_times=3,
    ),
    Probe(
        ours("memory"),
        {"growth": Limit(5, "MiB")},
        "memory after 1,000,000 deliveries above that after 100,000",
        {"late": "in all"},
        most_times=3,
    ),
    Probe(
        ours("runs"),
        {"run": Limit(3, "ms"), "left": Limit(0, "things left behind")},
        "a hundred runs of echo on four nodes in one process; what they leave behind",
        {"slowest": "slowest"},
    ),
    Race(
        floor("floor-tcp", own="benchmarks.floor_tcp"),
        ours_tcp("tcp"),
        {"casts": 0.4, "rr-tcp": 0.65, "rr64": 0.45},
        "two processes over TCP: casts, and round trips with one caller and with 64",
        {"rr-tcp": "rr"},
    ),
    Probe(ours_tcp("echo"), {"echo-local": Limit(0.8, "s")}, "echo with three processes, the whole command", {}),
    Probe(ours_tcp("ring100"), {"ring-100": Limit(3, "s")}, "a ring of 100 processes elects, the whole command", {}),
    Probe(
        ours_tcp("ring300"),
        {"ring-300": Limit(8, "s")},
        "a ring of 300 processes elects, the whole command",
        {},
        most_times=5,
    ),
    Probe(
        ours_tcp("memory"),
        {"private": Limit(10, "MiB")},
        "private memory of the largest of 100 node processes",
        {"median": "in the middle"},
        most_times=3,
    ),
)
