"""A report's values as short text on one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

LONGEST_CELL = 60
_MOST_COLUMNS_OF_A_MAPPING = 8  # a child's report has few fields; a large mapping is one value


def flatten(report: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Each field of a node's report; those of a child's report by ``child.field``."""
    for name, value in report.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and 0 < len(value) <= _MOST_COLUMNS_OF_A_MAPPING:
            yield from flatten(value, f"{path}.")
        else:
            yield path, value


def render_cell(value: object, longest: int = LONGEST_CELL) -> str:
    """``value`` on one line of printable characters, cut to ``longest`` of them."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, float):
        text = f"{value:.6g}"
    else:
        text = str(value)
    text = text[: 4 * longest]  # enough, and no megabyte is looked at character by character
    if not text.isprintable():
        text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def is_number(text: str) -> bool:
    """Whether a cell reads as a number and so stands to the right."""
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def width_of(text: str) -> int:
    """Columns that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
