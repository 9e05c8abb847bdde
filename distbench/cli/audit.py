"""The branch of ``distbench run`` for ``--audit``: starts this command line again, twice, and compares."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from distbench.cli.output import write_out
from distbench.cli.replay import replay_command
from distbench.errors import ConfigError
from distbench.report.audit import render_audits
from distbench.report.logs import logs
from distbench.report.style import wants_colour
from distbench.running.audit.engine import audit, sample
from distbench.running.audit.recording import play
from distbench.running.audit.sides import Side, become_side
from distbench.running.audit.verdict import Audit
from distbench.running.audit.ways import Way, differ, variables
from distbench.running.nursery import die_with_parent
from distbench.running.offline import before_imports
from distbench.running.workers import CAN_FORK

if TYPE_CHECKING:
    from distbench.report.status import StatusLine
    from distbench.running.preparing import Plan

_SIDE: Final = "DISTBENCH_AUDIT_SIDE"


@dataclass(frozen=True, slots=True)
class SideTask:
    """What a process is to do that an audit has started."""

    parent: int
    descriptor: int
    seed: int
    ways: frozenset[Way]

    def play(self, make: Callable[[], Plan]) -> int:
        """Play the side; the exit status. ``make`` imports the algorithm, so it comes after all preparations."""
        die_with_parent(self.parent)
        become_side()
        differ(self.ways)
        shows = Way.LOGGING in self.ways
        with ExitStack() as stack:
            nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            log = stack.enter_context(logs(3 if shows else 0, nowhere, colour=False, quiet=not shows))
            stack.enter_context(before_imports())

            def settled() -> Plan:
                plan = make()
                log.settle()
                return plan

            play(settled, self.seed, self.ways, self.descriptor)
        return 0


def take_side() -> SideTask | None:
    """What this process is to do, if an audit started it; the algorithm will not see that in the environment."""
    text = os.environ.pop(_SIDE, None)
    if text is None:
        return None
    parent, descriptor, seed, ways = text.split(":")
    return SideTask(int(parent), int(descriptor), int(seed), frozenset(Way[name] for name in ways.split()))


class _Fresh:
    """Sides that are new processes of the same command line."""

    def __init__(self, arguments: Sequence[str], patience: float) -> None:
        if not CAN_FORK:
            raise ConfigError("--audit needs Linux or macOS")
        self._command = _command(arguments)
        self._patience = patience

    def __call__(self, seed: int, ways: frozenset[Way]) -> Side:
        """Start one."""
        ours, theirs = os.pipe()
        told = ":".join(map(str, (os.getpid(), theirs, seed, " ".join(way.name for way in ways))))
        stderr = tempfile.TemporaryFile()  # noqa: SIM115 - the side closes it
        try:
            process = subprocess.Popen(
                self._command,
                env={**os.environ, "PYTHONHASHSEED": "0", **variables(ways), _SIDE: told},
                pass_fds=[theirs],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        except BaseException:
            os.close(ours)
            stderr.close()
            raise
        finally:
            os.close(theirs)
        process.returncode = 0  # the side reaps it
        return Side(process.pid, ours, self._patience, stderr)


def _command(arguments: Sequence[str]) -> list[str]:
    """This process once more; started otherwise than by the command line, the module."""
    if list(sys.argv[1:]) == list(arguments) and sys.orig_argv[-len(arguments) :] == list(arguments):
        return [sys.executable, *sys.orig_argv[1:]]
    return [sys.executable, "-m", "distbench", *arguments]


def run_audits(
    plan: Plan, seeds: Sequence[int], arguments: Sequence[str], status: StatusLine | None
) -> tuple[Audit, ...]:
    """Audit some of ``seeds``, one after another, with a live line where there is a terminal."""
    start = _Fresh(arguments, plan.options.step_timeout)
    found = []
    chosen = sample(seeds)
    try:
        for number, seed in enumerate(chosen, 1):
            if status is not None:
                status.show(f"audit of seed {seed} ({number} of {len(chosen)})")
            found.append(audit(plan, seed, start))
    finally:
        if status is not None:
            with suppress(OSError):
                status.clear()
    return tuple(found)


def show_audit(found: Audit, context: click.Context, *, config: str, algorithm: str, quiet: int, as_json: bool) -> None:
    """Print it on stdout."""
    if as_json:
        from distbench.report.document import audit_document, render_document

        command = f"{replay_command(context, found.seed, fail_fast=bool(context.params['fail_fast']))} --audit"
        write_out(render_document(audit_document(found, config=config, algorithm=algorithm, command=command)))
    elif sys.stdout is not None:
        write_out(render_audits([found], colour=wants_colour(sys.stdout), notes=quiet < 2))
