"""Measuring: programs in processes of their own, in turn, and the medians with their spread."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
Values = dict[str, float]


class ProgramFailed(Exception):
    """A program of the benchmarks ended badly; the text is what it said."""


@dataclass(frozen=True)
class Spread:
    """Values of one metric over all repetitions."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        return f"{short(self.median)} ({short(min(self.values))}-{short(max(self.values))})"


def short(value: float) -> str:
    """Three figures, thousands marked: ``0.583``, ``12.4``, ``338,000``."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def run_program(command: Sequence[str]) -> Values:
    """The lines ``name value`` that a program prints."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    if done.stderr:
        print(done.stderr.rstrip(), file=sys.stderr)
    if done.returncode:
        raise ProgramFailed(f"{' '.join(command)} ended with status {done.returncode}")
    values = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        values[name] = float(value.removesuffix("/s"))
    return values


def in_turn(commands: Sequence[Sequence[str]], times: int) -> list[list[Values]]:
    """Each command's values of every round. Rounds go to and fro (a b, b a, ...), so that no side is always first."""
    rounds: list[list[Values]] = [[] for _ in commands]
    for turn in range(times):
        order = list(enumerate(commands))
        for index, command in order if turn % 2 == 0 else reversed(order):
            rounds[index].append(run_program(command))
    return rounds


def gather(rounds: Sequence[Values], metric: str) -> Spread:
    return Spread(tuple(values[metric] for values in rounds))


def ratios(ours: Spread, floor: Spread) -> Spread:
    """Ours by the floor, pair by pair."""
    return Spread(tuple(mine / least for mine, least in zip(ours.values, floor.values, strict=True)))
