"""The summary of many seeds."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Final

from distbench.report.grid import Column, render_grid
from distbench.report.notes import join_names
from distbench.report.style import paint
from distbench.report.summary import render_notes
from distbench.running.seeds import SeedRun, SeedsResult
from distbench.running.signals import CTRL_C
from distbench.words import plural

MOST_PROBLEMS: Final = 10
MOST_SEEDS_NAMED: Final = 50
MOST_REASONS: Final = 5


def render_seeds(result: SeedsResult, *, colour: bool, replay: str | None, table: bool = True) -> str:
    """The text for stdout; ``replay`` is the command that runs the first failing seed again."""
    lines = _distribution(result.runs, colour=colour) if table and result.runs else []
    failed = result.failed
    if failed:
        lines += ["", *_first_failure(result, colour=colour)]
        if replay is not None:
            lines += ["replay it with", f"    {replay}"]
        if result.replays is False:
            text = "but alone it did not fail: the algorithm keeps something between runs, in a module or a class"
            lines.append(paint(text, "yellow") if colour else text)
        lines += _others(failed[1:], colour=colour)
    lines += [f"seed {seed} was at {place}" for seed, place in list(result.busy_at.items())[:MOST_REASONS]]
    remarks = [paint(text, "yellow") if colour else text for text in _remarks(result.runs)]
    lines += ["", *remarks] if remarks else []
    ending = render_seeds_ending(result)
    hue = "green" if result.ok else "red"
    lines += ["", paint(ending, hue) if colour else ending]
    return "\n".join(lines).strip("\n") + "\n"


def render_seeds_ending(result: SeedsResult) -> str:
    """One line: how many seeds passed or failed, in which time, at which rate."""
    ran, failed = len(result.runs), len(result.failed)
    of = f"{ran:,} of " if ran < result.asked else ""
    seeds = f"ran {of}{plural(result.asked, 'seed')}"
    processes = f"{result.processes} processes" if result.processes > 1 else "1 process"
    rate = ran / result.wall_time if result.wall_time > 0 else 0.0
    speed = f"{result.wall_time:,.3f} s wall, {rate:,.0f} runs/s in {processes}"
    ends = ", ".join(f"{count:,} {outcome}" for outcome, count in result.outcomes.items())
    if result.interrupted:
        running = [str(seed) for seed in result.under_way]
        by = f" by {result.reason}" if result.reason not in ("", CTRL_C) else ""
        at = f" while {join_names(running, 5)} ran" if running else ""
        return f"interrupted{by}{at}: {seeds} ({ends or 'none'}), {speed}"
    if failed:
        how = f"{plural(failed, 'seed')} failed" if failed > 1 else f"failed at seed {result.seed}"
        return f"{how}: {seeds} ({ends}), {speed}"
    return f"passed: {seeds} ({ends}), {speed}"


def _distribution(runs: Sequence[SeedRun], *, colour: bool) -> list[str]:
    """Least, median and most of what the runs measured."""
    rows: list[tuple[str, Callable[[SeedRun], float], str]] = [
        ("virtual s", lambda run: run.virtual_time, ",.3f"),
        ("messages", lambda run: run.messages, ",.0f"),
        ("wall ms", lambda run: run.wall_time * 1000, ",.1f"),
    ]
    alive = [run for run in runs if run.ended is not None]
    if not alive:
        return []
    values = [sorted(map(measure, alive)) for _, measure, _ in rows]
    columns = [Column("a run's", [name for name, _, _ in rows])]
    for title, pick in (("least", min), ("median", median), ("most", max)):
        cells = [format(pick(some), form) for some, (_, _, form) in zip(values, rows, strict=True)]
        columns.append(Column(title, cells))
    head, body = render_grid(columns, colour=colour)
    return head + body


def _remarks(runs: Sequence[SeedRun]) -> Iterator[str]:
    """What a person must know of the runs beyond their failures, as the notes of one run tell it."""
    alive = [run for run in runs if run.ended is not None]
    if alive and all(run.silent for run in alive):
        yield "no message was sent in any run"
    messages: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for run in alive:
        messages.update(run.dropped)
        times.update(run.dropped.keys())
    for reason, count in messages.most_common(MOST_REASONS):
        yield f"dropped {plural(count, 'message')} in {times[reason]:,} of {len(alive):,} runs: {reason}"
    if len(messages) > MOST_REASONS:
        rest = messages.total() - sum(count for _, count in messages.most_common(MOST_REASONS))
        yield f"dropped {rest:,} more for {len(messages) - MOST_REASONS:,} other reasons"


def _first_failure(result: SeedsResult, *, colour: bool) -> list[str]:
    """Its notes; what is known of it where there are none: a process that died leaves no result."""
    first = result.failed[0]
    told = result.failure is not None and result.failure.seed == first.seed
    notes = render_notes(result.failure, colour=colour) if told and result.failure is not None else []
    title = f"seed {first.seed} failed:" if notes else f"seed {first.seed} failed: {first.problem}"
    return [paint(title, "red") if colour else title, *(textwrap.indent(note, "    ") for note in notes)]


def _others(failed: Sequence[SeedRun], *, colour: bool) -> list[str]:
    """The other failing seeds: some with their problem, the rest by number."""
    lines = []
    for run in failed[:MOST_PROBLEMS]:
        text = f"seed {run.seed} failed: {run.problem}"
        lines.append(paint(text, "red") if colour else text)
    rest = [str(run.seed) for run in failed[MOST_PROBLEMS:]]
    if rest:
        lines.append(f"and {len(rest):,} more failed: {join_names(rest, MOST_SEEDS_NAMED)}")
    return lines
