"""The code blocks of a Markdown page.

What may stand in a page, and what the tests do with it:

    ```python title="vote.py"   is written to that file; a second block of one title goes on with the file
    ```python                   runs, in one namespace for the page
    ```yaml title="vote.yaml"   (also toml, ini) is written to that file
    ```console                  each line after `$ ` is run; the lines below it are what it prints
    ```text                     is only shown

In output, `…` stands for any text, and a line `…` for any lines. Wall times, rates and the number of processes differ
and are not compared. A command must succeed, unless the next one is `echo $?`. One that ends in ` &` runs beside those
after it.

A comment in the line above a block, `<!-- needs: docker -->`, says what a machine must have to run it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*([\w+-]*)(.*)$")
_TITLE = re.compile(r'^\s*title="([\w./-]+)"\s*$')
_NEEDS = re.compile(r"^<!-- needs: (\w+) -->$")

RUN = ("python", "console")
WRITTEN = ("python", "yaml", "toml", "ini")
SHOWN = ("text",)


class BadBlock(Exception):
    """A block that nobody would test."""


@dataclass(frozen=True)
class Block:
    """One block; ``line`` is that of its first line of text."""

    language: str
    title: str | None
    text: str
    line: int
    needs: str | None


@dataclass(frozen=True)
class Command:
    """A line of a console block, and what it prints; None where nothing is shown."""

    line: str
    output: str | None


def parse_blocks(page: str) -> list[Block]:
    """The blocks of a page, in order. ``BadBlock`` for one that would not be tested."""
    blocks: list[Block] = []
    lines = iter(enumerate(page.splitlines(), 1))
    needs: str | None = None
    for number, line in lines:
        found = _FENCE.match(line)
        if found is None:
            if line.strip():
                directive = _NEEDS.match(line)
                needs = directive[1] if directive else None
            continue
        indent, fence, language, rest = found.groups()
        kept = []
        for _, inner in lines:
            if inner.strip() == fence:
                break
            kept.append(inner)
        else:
            raise BadBlock(f"line {number}: the block never ends")
        blocks.append(_checked(indent, language, rest, "".join(f"{one}\n" for one in kept), number + 1, needs))
        needs = None
    return blocks


def _checked(indent: str, language: str, rest: str, text: str, line: int, needs: str | None) -> Block:
    title = _TITLE.match(rest)
    if indent:
        raise BadBlock(f"line {line - 1}: an indented block is not found by the tests; take it out of its list")
    if rest.strip() and not title:
        raise BadBlock(f'line {line - 1}: {rest.strip()!r} is not understood; write title="file.py"')
    known = language in WRITTEN if title else language in (*RUN, *SHOWN)
    if not known:
        raise BadBlock(
            f"line {line - 1}: a block of {language or 'no language'} is not tested; see tests/docs/blocks.py"
        )
    return Block(language, title[1] if title else None, text, line, needs)


def parse_commands(block: Block) -> list[Command]:
    """The commands of a console block."""
    commands: list[Command] = []
    lines = iter(block.text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines, "").strip()
            commands.append(Command(command, None))
        elif not commands:
            raise BadBlock(f"line {block.line}: a console block starts with '$ ' and a command")
        else:
            last = commands[-1]
            commands[-1] = Command(last.line, f"{last.output or ''}{line}\n")
    return commands


_DIFFERS = re.compile(r"[\d,.]+(?= s wall| messages/s| runs/s)|(?<=^wall ms).*|\d+(?= processes$)")


def _plain(line: str) -> str:
    return _DIFFERS.sub("#", line.rstrip())


def unlike(shown: str, printed: str) -> str | None:
    """The first line of ``shown`` that the printed text does not have in its place, or what it has beyond; or None."""
    wanted, found = shown.strip().splitlines(), printed.strip().splitlines()
    place, any_lines = 0, False
    for line in wanted:
        if line.strip() == "…":
            any_lines = True
            continue
        pattern = re.compile(".*".join(re.escape(_plain(part)) for part in line.split("…")))
        while place < len(found) and not pattern.fullmatch(_plain(found[place])):
            if not any_lines:
                return line
            place += 1
        if place == len(found):
            return line
        place, any_lines = place + 1, False
    return None if any_lines or place == len(found) else f"nothing, where this was printed: {found[place]}"
