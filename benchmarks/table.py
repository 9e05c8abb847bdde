"""The command line of ``benchmarks/run`` and the table it prints."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import textwrap

from benchmarks.measure import ProgramFailed
from benchmarks.targets import TARGETS, Line

FEWEST_PAIRS = 9
"""Fewer say little on a machine that does other things as well."""


def main() -> int:
    names = [name for target in TARGETS for name in target.names]
    parser = argparse.ArgumentParser(prog="benchmarks/run", description="Measure distbench beside its floor.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure (all): {', '.join(names)}")
    parser.add_argument("--check", action="store_true", help="print PASS or MISS; the exit status is 1 after a MISS")
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS, help="repetitions of each measurement (9)")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(names)):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(names)}")
    if options.pairs < 1 or (options.check and options.pairs < FEWEST_PAIRS):
        parser.error(f"--pairs must be at least {FEWEST_PAIRS if options.check else 1}")

    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs; medians of {options.pairs} (least-most)")
    missed = 0
    for target in TARGETS:
        if options.names and not set(options.names) & set(target.names):
            continue
        print(f"\n{target.about}", flush=True)
        try:
            for line in target.measure(options.pairs):
                print(textwrap.indent(render(line, options.check), "  "), flush=True)
                missed += not line.reached
        except ProgramFailed as error:
            print(f"  {'MISS  ' if options.check else ''}{error}", flush=True)
            missed += 1
    if options.check:
        print(f"\n{missed} missed" if missed else "\nall reached", file=sys.stdout)
    return 1 if options.check and missed else 0


def render(line: Line, check: bool) -> str:
    verdict = ("PASS  " if line.reached else "MISS  ") if check else ""
    return f"{verdict}{line.name}: {line.figures} [{line.goal}]"
