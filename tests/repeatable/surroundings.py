"""Processes that differ in all that must not matter to a run, and what the programs come to in each of them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from tests.repeatable.catalogue import FOLDER, Program, helpers

PLAYER: Final = Path(__file__).resolve().parent / "player.py"
ROOT: Final = PLAYER.parent.parent.parent
LIMIT: Final = 30
"""Seconds after which a run counts as hung; a run takes a few milliseconds."""


@dataclass(frozen=True)
class Surroundings:
    """One process."""

    name: str
    door: Literal["command line", "python"] = "command line"
    environment: dict[str, str] = field(default_factory=dict, hash=False)
    litter: int = 0
    thresholds: tuple[int, int, int] | None = (700, 10, 10)
    before: tuple[int, ...] = ()
    options: tuple[str, ...] = ("-q",)
    order: int | None = None
    """What the programs' order is drawn from, if they are not to come by their names."""


@dataclass(frozen=True)
class Played:
    """What one run of a program came to."""

    status: int
    outcome: str
    digest: str | None = None
    messages: int = 0
    failures: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


Results = dict[tuple[str, int], Played]
"""By program and seed."""


def play(there: Surroundings, programs: Sequence[Program], seeds: Sequence[int], folder: Path) -> Results:
    """Play each program with each seed in one process; one that hangs costs that process and is told of."""
    found: Results = {}
    todo = list(programs)
    if there.order is not None:
        random.Random(there.order).shuffle(todo)
    while todo:
        results = folder / f"{there.name.replace(' ', '-')}-{len(todo)}.jsonl"
        text = _in_a_process(there, todo, seeds, results, folder)
        last: tuple[str, int] | None = None
        for said in _lines(results):
            name, seed = said.pop("program"), said.pop("seed")
            last = None if said else (name, seed)
            if said and seed in seeds:
                found[name, seed] = Played(
                    status=said["status"],
                    outcome=said["outcome"],
                    digest=said.get("digest"),
                    messages=said.get("messages", 0),
                    failures=tuple(said["failures"]),
                    lines=tuple(said["lines"]),
                )
        if last is None:
            missing = [each.name for each in todo for seed in seeds if (each.name, seed) not in found]
            assert not missing, f"{there.name}: the process ended before {missing[0]}: {text[-3000:]}"
            break
        for seed in seeds:
            found[last[0], seed] = Played(-1, f"the process ended, or hung: {text[-1500:]}")
        todo = todo[[each.name for each in todo].index(last[0]) + 1 :]
    return found


def _lines(results: Path) -> Iterator[dict[str, Any]]:
    if results.exists():
        for line in results.read_text().splitlines():
            yield json.loads(line)


def _in_a_process(
    there: Surroundings, programs: Sequence[Program], seeds: Sequence[int], results: Path, folder: Path
) -> str:
    orders = {
        "door": there.door,
        "litter": there.litter,
        "thresholds": there.thresholds,
        "before": there.before,
        "options": [each.replace("FOLDER", str(folder)) for each in there.options],
        "seeds": list(seeds),
        "limit": LIMIT,
        "results": str(results),
        "helpers": helpers(),
        "folders": [str(each) for each in sorted(FOLDER.iterdir()) if each.is_dir()],
        "programs": [
            {
                "name": each.name,
                "path": str(each.path),
                "module": each.path.stem,
                "algorithm": each.algorithm,
                "nodes": each.nodes,
            }
            for each in programs
        ],
    }
    own = str(folder / f"temporary {there.name}")  # a name that is taken, by the same program elsewhere, is drawn anew
    Path(own).mkdir(exist_ok=True)
    path = os.pathsep.join([str(ROOT), *(str(each) for each in sorted(FOLDER.iterdir()) if each.is_dir())])
    inherited = {name: value for name, value in os.environ.items() if name not in ("TZ", "LANG", "LC_ALL")}
    done = subprocess.run(
        [sys.executable, str(PLAYER)],
        input=json.dumps(orders),
        cwd=folder,
        env={**inherited, "PYTHONPATH": path, "PYTHONHASHSEED": "0", "TMPDIR": own, **there.environment},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stderr


def first_difference(one: Played, other: Played) -> str:
    """The first lines that differ, payloads as text."""
    for here, there in zip(one.lines, other.lines, strict=False):
        if here != there:
            return f"{readable(here)} / {readable(there)}"
    return f"{one.outcome}, {len(one.lines)} lines / {other.outcome}, {len(other.lines)} lines"


def readable(line: str) -> str:
    """An event's line, its payload as text."""
    *words, payload = line.split() or [""]
    try:
        return " ".join([*words, bytes.fromhex(payload).decode(errors="replace")])
    except ValueError:
        return line.strip()
