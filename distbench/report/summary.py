"""All that is printed about a run: the table, the notes, the digest, and last the line that says how it ended."""

from __future__ import annotations

from typing import Final

from distbench.report.notes import notes
from distbench.report.style import paint
from distbench.report.table import render_table
from distbench.running.result import End, Outcome, RunResult
from distbench.words import plural

_STOPPED: Final = "stopped at the first failure"


def render_summary(
    result: RunResult,
    *,
    width: int | None,
    colour: bool,
    table: bool = True,
    tracebacks: bool = True,
    sleepers: bool = False,
) -> str:
    """The text for stdout. ``width`` is the terminal's, or None where there is none to fit into.

    The table, and the tracebacks of failures, may be left out; ``sleepers`` is as for ``notes``.
    """
    lines = render_table(result, width=width, colour=colour) if table else []
    remarks = render_notes(result, colour=colour, tracebacks=tracebacks, sleepers=sleepers)
    if remarks and lines:
        lines.append("")
    lines += remarks
    if lines:
        lines.append("")
    if result.digest is not None:
        lines.append(_digest_line(result))
    ending = render_ending(result)
    hue = "green" if result.ok else "red"
    lines.append(paint(ending, hue) if colour else ending)
    return "\n".join(lines) + "\n"


def render_notes(result: RunResult, *, colour: bool, tracebacks: bool = True, sleepers: bool = False) -> list[str]:
    """What a person must know beyond the table; some of the texts have several lines."""
    shown = []
    for note in notes(result, tracebacks=tracebacks, sleepers=sleepers):
        first, newline, rest = note.text.partition("\n")
        shown.append(f"{paint(first, note.colour) if colour else first}{newline}{rest}")
    return shown


def render_ending(result: RunResult) -> str:
    """One line: how it ended and what failed, times, messages as in the table and their rate; or that none was sent."""
    failed = {name for name, node in result.nodes.items() if node.end in (End.FAILED, End.CRASHED)}
    bad = len(failed | {failure.node for failure in result.failures})
    how = _STOPPED if result.ended is Outcome.FAILED else result.ended.value
    wrong = [f"{plural(bad, 'node')} failed"] if bad else []
    wrong += ["the check failed"] if result.check_error is not None else []
    dropped = sum(one.count for _, one in result.failing_drops())
    wrong += [f"{plural(dropped, 'message')} did not fit"] if dropped else []
    unlike = result.audit is not None and result.audit.difference is not None
    wrong += ["it is not repeatable"] if unlike else []
    if wrong:
        joint = ", but" if result.ended.exit_status == 0 else ","
        how += f"{joint} {' and '.join(wrong)}"
    times = [f"{result.wall_time:,.3f} s wall"]
    if result.mode == "offline":
        times.insert(0, f"{result.virtual_time:,.3f} s virtual")
    rate = result.messages / result.wall_time if result.wall_time > 0 else 0.0
    if not any(node.messages_in or node.messages_out for node in result.nodes.values()):
        traffic = "no message was sent"
    else:
        traffic = f"{plural(result.messages, 'message')}, {rate:,.0f} messages/s"
    return f"{how}: {', '.join(times)}, {traffic}"


def _digest_line(result: RunResult) -> str:
    """The digest, with all that it depends on beside the program."""
    hash_seed = "" if result.hash_seed == "0" else f", PYTHONHASHSEED {result.hash_seed}"
    zone = "" if result.time_zone == "UTC" else f", TZ {result.time_zone}"
    return f"digest {result.digest} (seed {result.seed}{hash_seed}{zone})"
