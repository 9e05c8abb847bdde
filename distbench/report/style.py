"""Colour for a terminal, or none."""

from __future__ import annotations

import os
import zlib
from typing import IO

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
# Colours of 256-colour terminals that can be read on black and on white, neighbours in the list far apart.
_NODE_COLOURS = (33, 166, 35, 170, 136, 37, 197, 70, 99, 172, 31, 132)


def wants_colour(stream: IO[str] | None) -> bool:
    """True for a terminal, unless ``NO_COLOR`` is set to something or the terminal is a dumb one."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def wants_status(stream: IO[str] | None) -> bool:
    """Whether a live line can be shown there: on a terminal that is not a dumb one."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    """``text`` between the escape codes of one of ``CODES``; ``""`` leaves it alone."""
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if colour else text


def node_colour(node: str) -> str:
    """The escape code of a node's own colour: always the same, and another for each of n1, n2, …, n12."""
    digits = node[len(node.rstrip("0123456789")) :]
    number = int(digits) if digits.isascii() and 0 < len(digits) < 10 else zlib.crc32(node.encode("utf-8", "replace"))
    return f"\x1b[38;5;{_NODE_COLOURS[number % len(_NODE_COLOURS)]}m"
