"""``distbench guide``: the documentation on the terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import distbench
from distbench.cli.options import Argument, Command
from distbench.cli.output import write_out
from distbench.errors import ConfigError, nearest

_PACKAGE: Final = Path(distbench.__file__).resolve().parent
_PLACES: Final = (_PACKAGE / "docs" / "guide.md", _PACKAGE.parent / "docs" / "guide.md")
"""In an installed package, and beside the package in a copy of the repository."""
_HEADING: Final = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t#]*$")


def guide(*, topic: tuple[str, ...]) -> int:
    """Page through it on a terminal, print it as it is elsewhere."""
    text = _text()
    if topic:
        text = find_section(text, " ".join(topic))
    stream = sys.stdout
    if stream is None or not stream.isatty():
        write_out(text)
        return 0
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    with console.pager(styles="R" in os.environ.get("LESS", "")):  # else less shows the codes of colours
        console.print(Markdown(text))
    return 0


def _text() -> str:
    for path in _PLACES:
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigError(f"cannot read {str(path)!r}: {error.strerror}") from error
    raise ConfigError("the guide is not part of this installation; it is docs/guide.md in distbench's repository")


def find_section(text: str, topic: str) -> str:
    """The sections whose heading has ``topic`` in it, each with all below it; else those whose text mentions it.

    ConfigError if there is none of either.
    """
    lines = text.splitlines()
    headings = _headings(lines)
    found = []
    end = 0
    for place, (start, depth, title) in enumerate(headings):
        if start >= end and topic.lower() in title.lower():
            end = next((at for at, other, _ in headings[place + 1 :] if other <= depth), len(lines))
            found.append(lines[start:end])
    if not found:
        starts = [start for start, _, _ in headings] + [len(lines)]
        parts = [lines[start:end] for start, end in pairwise(starts)]
        found = [part for part in parts if topic.lower() in "\n".join(part).lower()]
    if not found:
        titles = {title.lower() for _, _, title in headings}
        words = {word for title in titles for word in re.findall(r"\w{4,}", title)}
        close = nearest(topic.lower(), [*titles, *words])
        raise ConfigError(f"the guide says nothing about {topic!r}{close}")
    return "\n\n".join("\n".join(part).strip() for part in found) + "\n"


def _headings(lines: Sequence[str]) -> list[tuple[int, int, str]]:
    """Line, depth and text of each heading outside of code."""
    found = []
    fenced = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading:
            found.append((number, len(heading[1]), heading[2]))
    return found


guide_command = Command(
    "guide",
    guide,
    help="Show the guide, or its sections about TOPIC: paged on a terminal, else as Markdown.",
    params=[
        Argument(
            "topic",
            metavar="[TOPIC]",
            help="Words of a heading or of the text, such as seeds.",
            required=False,
            several=True,
        )
    ],
)
