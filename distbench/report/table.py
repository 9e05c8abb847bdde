"""The table of a run: one row for each node, or for the telling ones where there are many."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from distbench.community import PeerId
from distbench.report.cells import flatten, is_number, render_cell
from distbench.report.grid import Column, grid_width, render_grid
from distbench.report.style import paint
from distbench.running.result import End, NodeResult, RunResult
from distbench.words import plural

MOST_ROWS = 40
_ROWS_OF_MANY = 20
_LONGEST_NAME = 40
_WIDEST = 240  # where no terminal sets a limit
_MOST_FIELDS_BELOW = 24
_FEW_VALUES = 3
_COLOUR = {End.TERMINATED: "green", End.RUNNING: "yellow", End.FAILED: "red", End.CRASHED: "red"}
_UNUSUAL_FIRST = {End.FAILED: 0, End.CRASHED: 1, End.RUNNING: 2, End.TERMINATED: 3}


def render_table(result: RunResult, *, width: int | None, colour: bool) -> list[str]:
    """The lines of the table, none wider than ``width`` where one is given and the node's names allow it.

    Report fields are columns where they fit; else they stand below their node's row. Over ``MOST_ROWS`` nodes, only
    some rows are shown, failed nodes first, and after the totals each report field is summed up.
    """
    shown = _shown(result)
    reports = {node: _cells_of(result.reports.get(node, {})) for node in shown}
    columns = _node_columns(result, shown)
    fields = _field_columns(shown, reports, total=len(result.nodes) > 1)
    beside = grid_width([*columns, *fields]) <= (width or _WIDEST)
    head, body = render_grid([*columns, *fields] if beside else columns, colour=colour)
    lines = head
    for node, row in zip(shown, body, strict=False):
        lines.append(row)
        if not beside and reports[node]:
            lines.extend(_below(reports[node], width or _WIDEST // 2))
    hidden = len(result.nodes) - len(shown)
    if hidden:
        lines.append(f"… and {hidden:,} more nodes")
    if len(result.nodes) > 1:
        lines.append(body[-1])
    if hidden:
        lines.extend(_ends(result, colour=colour))
        lines.extend(_sum_up(result.reports, width or _WIDEST))
    return lines


def _shown(result: RunResult) -> list[PeerId]:
    if len(result.nodes) <= MOST_ROWS:
        return list(result.nodes)
    return sorted(result.nodes, key=lambda node: _UNUSUAL_FIRST[result.nodes[node].end])[:_ROWS_OF_MANY]


def _node_columns(result: RunResult, shown: Sequence[PeerId]) -> list[Column]:
    """Name, end and counters of each node that is shown, and the totals of all nodes, shown or not."""
    nodes = [result.nodes[node] for node in shown]
    several = len(result.nodes) > 1

    def counted(above: str, title: str, count: Callable[[NodeResult], int]) -> Column:
        cells = [f"{count(node):,}" for node in nodes]
        if several:
            cells.append(f"{sum(map(count, result.nodes.values())):,}")
        return Column(title, cells, above)

    total = [f"all {len(result.nodes):,}"] if several else []
    return [
        Column("node", [render_cell(node, _LONGEST_NAME) for node in shown] + total),
        Column(
            "end",
            [node.end.value for node in nodes] + [""] * several,
            colours=[_COLOUR[node.end] for node in nodes] + [""] * several,
        ),
        counted("messages", "in", lambda node: node.messages_in),
        counted("messages", "out", lambda node: node.messages_out),
        counted("bytes", "in", lambda node: node.bytes_in),
        counted("bytes", "out", lambda node: node.bytes_out),
    ]


def _cells_of(report: Mapping[str, object]) -> dict[str, str]:
    return {render_cell(name, _LONGEST_NAME): render_cell(value) for name, value in flatten(report)}


def _field_columns(
    shown: Sequence[PeerId], reports: Mapping[PeerId, Mapping[str, str]], *, total: bool
) -> list[Column]:
    """One column for each field that any of the nodes reports, in the order in which they first appear."""
    names = dict.fromkeys(name for node in shown for name in reports[node])
    return [Column(name, [reports[node].get(name, "") for node in shown] + [""] * total) for name in names]


def _below(report: Mapping[str, str], width: int) -> list[str]:
    """A node's report as ``field=value`` lines to stand below its row."""
    parts = [f"{name}={value}" for name, value in list(report.items())[:_MOST_FIELDS_BELOW]]
    if len(report) > _MOST_FIELDS_BELOW:
        parts.append(f"… and {plural(len(report) - _MOST_FIELDS_BELOW, 'more field')}")
    indent = " " * 4
    lines = [indent]
    for part in parts:
        if len(lines[-1]) + len(part) + 2 > width and lines[-1] != indent:
            lines.append(indent)
        lines[-1] += part if lines[-1] == indent else f"  {part}"
    return [
        piece for line in lines for piece in textwrap.wrap(line, max(width, 20), subsequent_indent=indent * 2) or [line]
    ]


def _ends(result: RunResult, *, colour: bool) -> list[str]:
    counts = Counter(node.end for node in result.nodes.values())
    parts = [f"{counts[end]:,} {end.value}" for end in _UNUSUAL_FIRST if counts[end]]
    hues = [_COLOUR[end] for end in _UNUSUAL_FIRST if counts[end]]
    return [", ".join(paint(part, hue) if colour else part for part, hue in zip(parts, hues, strict=True))]


def _sum_up(reports: Mapping[PeerId, Mapping[str, object]], width: int) -> list[str]:
    """One line for each report field over all nodes: its few values, the range of its numbers, or how many."""
    values: dict[str, Counter[str]] = {}
    for report in reports.values():
        for name, cell in _cells_of(report).items():
            values.setdefault(name, Counter())[cell] += 1
    lines = []
    for name, counts in list(values.items())[:_MOST_FIELDS_BELOW]:
        lines.append(f"{name}: {_in_short(counts)}"[:width])
    return lines


def _in_short(counts: Counter[str]) -> str:
    if len(counts) <= _FEW_VALUES:
        return ", ".join(f"{value} ({plural(count, 'node')})" for value, count in counts.most_common())
    if all(map(is_number, counts)):
        numbers: Iterable[float] = [float(value.replace(",", "")) for value in counts]
        mean = sum(float(value.replace(",", "")) * count for value, count in counts.items()) / counts.total()
        return f"{min(numbers):,.6g} to {max(numbers):,.6g}, mean {mean:,.6g}"
    value, count = counts.most_common(1)[0]
    most = f", most often {value} ({plural(count, 'node')})" if count > 1 else ""
    return f"{len(counts):,} different values{most}"
