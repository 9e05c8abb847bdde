"""``distbench list``: which algorithms there are, and what they can be told."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from distbench.cli.options import Argument, Command
from distbench.cli.output import write_out
from distbench.errors import ConfigError, DistbenchError
from distbench.report.style import paint, wants_colour

if TYPE_CHECKING:
    from distbench.config.discovery import AlgorithmEntry
    from distbench.definition import AlgorithmDefinition

_TIME_LIMIT: Final = 10.0
"""Seconds that the import of one module may take."""
_LONGEST_DEFAULT: Final = 60


@dataclass(frozen=True, slots=True)
class Described:
    """What one algorithm's class says of itself."""

    fields: tuple[str, ...] = ()
    """``name: type = default``; a child's are ``child.name``."""
    error: str = ""
    """Why it cannot be run, if so."""


def list_algorithms(*, folders: Sequence[str]) -> int:
    """Print all of them."""
    from distbench.config import discovery

    paths = [Path(folder) for folder in folders]
    for path in paths:
        if not path.is_dir():
            raise ConfigError(f"{path}: no such folder; give one with Python files, or none for the usual places")
    entries = discovery.list_algorithms(paths or None)
    if not entries:
        raise ConfigError(f"no algorithms in {', '.join(folders)}; 'distbench new NAME' writes one")
    colour = wants_colour(sys.stdout)
    columns = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else 120
    width = min(max(len(entry.name) for entry in entries), 40)
    lines: list[str] = []
    for entry, described in _describe_all(entries):
        lines += _render(entry, described, width, columns, colour=colour)
    write_out("\n".join(lines) + "\n")
    return 0


def _render(entry: AlgorithmEntry, described: Described, width: int, columns: int, *, colour: bool) -> Iterator[str]:
    from distbench.config.locating import display

    name = entry.name.ljust(width)
    indent = " " * (width + 2)
    wide = max(columns, width + 30)
    text = textwrap.wrap(entry.summary or "(no docstring)", wide, initial_indent=indent, subsequent_indent=indent)
    text[0] = f"{paint(name, 'bold') if colour else name}{text[0][len(name) :]}"
    yield from text if entry.class_name is not None else [text[0].removesuffix("(no docstring)").rstrip()]
    for field in described.fields:
        yield f"{indent}  {field}"
    for line in described.error.splitlines():
        yield f"{indent}{paint(line, 'red') if colour else line}"
    place = f"in {display(entry.path)}"
    yield f"{indent}{paint(place, 'dim') if colour else place}"


def _describe_all(entries: Sequence[AlgorithmEntry]) -> Iterator[tuple[AlgorithmEntry, Described]]:
    """Each with what its class says; a module is imported in a process of its own, so that it can hurt no other."""
    found: dict[Path, dict[str, Described]] = {}
    for entry in entries:
        if entry.class_name is None:
            yield entry, Described(error=f"cannot be read: {entry.error}")
            continue
        if entry.path not in found:
            classes = [one.class_name for one in entries if one.path == entry.path and one.class_name is not None]
            found[entry.path] = _in_isolation(entry.path, classes)
        yield entry, found[entry.path][entry.class_name]


def _in_isolation(path: Path, classes: Sequence[str]) -> dict[str, Described]:
    import distbench.running.api  # noqa: F401 - what the modules import is loaded once, not in each process
    from distbench.running.workers import CAN_FORK, Workers

    if not CAN_FORK:
        return describe(path, classes)
    began = perf_counter()
    with Workers(lambda path: describe(path, classes), [path], 1) as workers:
        while (answers := workers.wait(0.1)) is not None:
            for answer in answers:
                if answer.value is not None:
                    found: dict[str, Described] = answer.value
                    return found
                last = (answer.error or "").strip().splitlines()[-1:]
                text = f"its process died: {answer.died}" if answer.died else f"importing it raised {''.join(last)}"
                return dict.fromkeys(classes, Described(error=text))
            if perf_counter() - began > _TIME_LIMIT:
                break
    return dict.fromkeys(classes, Described(error=f"importing it took more than {_TIME_LIMIT:g} s"))


def describe(path: Path, classes: Sequence[str]) -> dict[str, Described]:
    """Import the module ``path`` and describe some of its classes."""
    from distbench.config.discovery import load_algorithm
    from distbench.definition import define

    described = {}
    for name in classes:
        try:
            described[name] = Described(tuple(_fields(define(load_algorithm(f"{path}:{name}")), "")))
        except DistbenchError as error:
            described[name] = Described(error=str(error))
    return described


def _fields(definition: AlgorithmDefinition, prefix: str) -> Iterator[str]:
    from distbench.definition import define

    for name, field in definition.config_fields.items():
        default = "(required)" if field.required else f"= {_shorten(repr(field.make_default()))}"
        yield f"{prefix}{name}: {field.annotation_text} {default}"
    for name, child in definition.children.items():
        yield from _fields(define(child), f"{prefix}{name}.")


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_DEFAULT else f"{text[: _LONGEST_DEFAULT - 1]}…"


list_command = Command(
    "list",
    list_algorithms,
    help="List the algorithms, with config fields, types, defaults and files. -a takes what stands first in a line.",
    params=[
        Argument(
            "folders",
            metavar="[FOLDER]...",
            help="Where to look, in place of distbench's own algorithms, this folder and its folder 'algorithms'.",
            required=False,
            several=True,
        )
    ],
)
