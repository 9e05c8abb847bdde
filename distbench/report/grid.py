"""Columns of text, padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distbench.report.cells import is_number, width_of
from distbench.report.style import paint

GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, which may stand below another that it shares with its neighbours, and its cells."""

    title: str
    cells: Sequence[str]
    above: str = ""
    colours: Sequence[str] = ()
    """The colour of each cell, or nothing for all."""

    @property
    def width(self) -> int:
        """What the widest cell or title takes."""
        return max([width_of(self.title), *map(width_of, self.cells)])

    @property
    def right(self) -> bool:
        """Numbers stand to the right."""
        return all(is_number(cell) for cell in self.cells if cell)


def grid_width(columns: Sequence[Column]) -> int:
    """Columns of the terminal that the whole grid takes."""
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def render_grid(columns: Sequence[Column], *, colour: bool) -> tuple[list[str], list[str]]:
    """The lines of the head and the lines of the body, one for each row, without blanks at their ends."""
    widths = [column.width for column in columns]
    rights = [column.right for column in columns]

    def line(texts: Sequence[str], colours: Sequence[str]) -> str:
        parts = []
        for text, width, right, hue in zip(texts, widths, rights, colours, strict=True):
            blanks = " " * (width - width_of(text))
            shown = paint(text, hue) if colour and text else text
            parts.append(f"{blanks}{shown}" if right else f"{shown}{blanks}")
        return GAP.join(parts).rstrip()

    head = [line([column.title for column in columns], ["bold"] * len(columns))]
    above = _shared_titles(columns, widths)
    if above:
        head.insert(0, paint(above, "bold") if colour else above)
    rows = len(columns[0].cells)
    body = [
        line(
            [column.cells[row] for column in columns],
            [column.colours[row] if column.colours else "" for column in columns],
        )
        for row in range(rows)
    ]
    return head, body


def _shared_titles(columns: Sequence[Column], widths: Sequence[int]) -> str:
    """The upper line of the head: each shared title ends where its last column does."""
    text = ""
    end = 0
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        end += width + (len(GAP) if index else 0)
        last = index + 1 == len(columns) or columns[index + 1].above != column.above
        if column.above and last:
            text += column.above.rjust(end - len(text))
    return text
