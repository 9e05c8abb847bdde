"""The branch of ``distbench run`` for ``--seeds``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from distbench.cli.output import write_out
from distbench.cli.replay import replay_command
from distbench.report.files import report_lines
from distbench.report.status import render_seeds_progress
from distbench.report.style import wants_colour
from distbench.running.seeds import SeedsProgress, SeedsResult, run_seeds

if TYPE_CHECKING:
    from distbench.report.files import ReportFiles
    from distbench.report.status import StatusLine
    from distbench.running.preparing import Plan


def run_many(
    plan: Plan,
    seeds: Sequence[int],
    *,
    keep_going: bool,
    jobs: int | None,
    status: StatusLine | None,
    reports: ReportFiles | None,
) -> SeedsResult:
    """Run all of them, with a live line where there is a terminal."""

    def progress(so_far: SeedsProgress) -> None:
        if status is not None:
            status.show(render_seeds_progress(so_far))

    try:
        result = run_seeds(
            plan,
            seeds,
            keep_going=keep_going,
            jobs=jobs,
            progress=progress,
            keep=None if reports is None else report_lines,
        )
    finally:
        if status is not None:
            status.clear()
    if reports is not None:
        reports.append_lines(run.kept for run in sorted(result.runs, key=lambda run: run.seed) if run.kept is not None)
    return result


def show_many(
    result: SeedsResult, context: click.Context, *, config: str, algorithm: str, quiet: int, as_json: bool
) -> None:
    """Print the summary of many seeds on stdout."""
    seed = result.seed
    replay = None if seed is None else replay_command(context, seed, fail_fast=True)
    if as_json:
        from distbench.report.document import render_document, seeds_document

        text = render_document(seeds_document(result, config=config, algorithm=algorithm, command=replay))
    else:
        from distbench.report.many import render_seeds

        text = render_seeds(result, colour=wants_colour(sys.stdout), replay=replay, table=quiet < 2)
        if result.audits:
            from distbench.report.audit import render_audits

            ran = len(result.runs)
            text += "\n" + render_audits(result.audits, colour=wants_colour(sys.stdout), asked=ran, notes=quiet < 2)
    if as_json or sys.stdout is not None:
        write_out(text)
