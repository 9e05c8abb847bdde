"""Small programs, as users write them: each gives one digest a seed wherever it runs, or is refused by name.

``programs/KIND/NAME.py`` says in its first line which of the two, or that it shows one of the exceptions that the guide
lists. Everything that a program sees goes into messages, and so into the digest.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.repeatable.catalogue import EXCEPTION, Program, all_programs, programs
from tests.repeatable.judging import judge
from tests.repeatable.processes import BUSY, IMPORTED, IMPORTED_TOO, ODD, PLAIN, QUICK
from tests.repeatable.surroundings import ROOT, Played, Results, Surroundings, play

SLOW_KINDS = ("finalizers", "third_party")
"""Of programs that collect garbage again and again, or load large libraries."""


def play_in(
    everywhere: tuple[Surroundings, ...], here: list[Program], folder: Path, seeds: tuple[int, ...], exceptions: bool
) -> list[str]:
    """What is wrong, by program; the processes run side by side."""
    with ThreadPoolExecutor() as pool:
        found = dict(zip(everywhere, pool.map(lambda each: play(each, here, seeds, folder), everywhere), strict=True))
    wrong = {program.name: judge(program, seeds, found, exceptions=exceptions) for program in here}
    return [f"{name}: {'; '.join(each)}" for name, each in wrong.items() if each]


def test_there_are_enough_programs_and_no_two_of_one_name() -> None:
    kept = [each for each in all_programs() if not each.expected("command line").startswith(EXCEPTION)]
    assert len(kept) >= 120
    names = Counter(each.path.stem for each in all_programs())
    assert [name for name, count in names.items() if count > 1 or name in sys.stdlib_module_names] == []


def test_the_guide_lists_the_exceptions_and_each_has_a_program_that_shows_it() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text()
    section = guide.partition("### The same run again")[2].partition("### ")[0]
    listed = re.findall(r"^- \*\*(.+?)\*\*.*[;.]$", section, re.MULTILINE)
    doors = ("command line", "python")
    said = {each.expected(door) for each in all_programs() for door in doors}
    assert sorted(listed) == sorted(each.removeprefix(EXCEPTION) for each in said if each.startswith(EXCEPTION))
    assert len(re.findall("^- ", section, re.MULTILINE)) == len(listed) <= 5


def test_every_quick_program_gives_one_digest_or_is_refused_by_name(tmp_path: Path) -> None:
    quick = [each for each in programs() if not each.path.parent.name.startswith(SLOW_KINDS)]
    assert len(quick) > 200
    by_import = [each for each in quick if each.path.parent.name == "helper_modules"]
    others = [each for each in quick if each not in by_import]
    wrong = play_in((PLAIN, QUICK), others, tmp_path, (1,), exceptions=False)
    wrong += play_in((QUICK, IMPORTED), by_import, tmp_path, (1,), exceptions=False)
    assert wrong == [], "\n".join(["", *wrong])


@pytest.mark.slow
def test_every_program_gives_one_digest_a_seed_or_is_refused_by_name(tmp_path: Path) -> None:
    everywhere = (PLAIN, BUSY, ODD, IMPORTED, IMPORTED_TOO)
    wrong = play_in(everywhere, programs(), tmp_path, (0, 1, 77), exceptions=True)
    assert wrong == [], "\n".join(["", *wrong])


# -------------------------------------------------- each alone, by the true command line


def started(
    program: Program, folder: Path, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own, which starts as it does for a user."""
    command = [sys.executable, "-m", "distbench", "-c", program.nodes, "-a", f"{program.path}:{program.algorithm}"]
    inherited = {name: value for name, value in os.environ.items() if name not in ("TZ", "LC_ALL", "PYTHONHASHSEED")}
    return subprocess.run(
        [*command, *options],
        cwd=folder,
        env={
            **inherited,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{program.path.parent}",
            "TMPDIR": str(folder),
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def alone(program: Program, seed: int, folder: Path, environment: dict[str, str], *options: str) -> Played:
    """One run, and what came of it."""
    options = ("--seed", str(seed), "--digest", "--json", *options)
    done = started(program, folder, *options, environment=environment)
    if not done.stdout.startswith("{"):
        return Played(done.returncode, done.stderr[-2000:])
    said = json.loads(done.stdout)
    failures = tuple(each["exception"] for each in said["failures"])
    return Played(done.returncode, said["outcome"], said["digest"], said["deliveries"], failures)


ALONE = {
    Surroundings("alone"): ({}, ("-q",)),
    Surroundings("alone, elsewhere"): ({"TZ": "Pacific/Apia", "PYTHONMALLOC": "malloc"}, ("-v", "--log-dir", "logs")),
    Surroundings("alone, another hash seed"): ({"PYTHONHASHSEED": "5", "LC_ALL": "C.UTF-8"}, ("-qq",)),
}


@pytest.mark.slow  # some of each kind: all of them are played in other processes above
@pytest.mark.parametrize("program", programs()[::9], ids=lambda program: program.name)
def test_a_program_alone_in_its_processes_does_so(program: Program, tmp_path: Path) -> None:
    found: dict[Surroundings, Results] = {}
    for there, (environment, options) in ALONE.items():
        folder = tmp_path / there.name
        folder.mkdir()
        found[there] = {(program.name, 3): alone(program, 3, folder, environment, *options)}
    assert judge(program, (3,), found, exceptions=False) == []


@pytest.mark.slow  # as above
@pytest.mark.parametrize("program", programs()[4::9], ids=lambda program: program.name)
def test_the_audit_says_of_a_program_what_these_processes_show(program: Program, tmp_path: Path) -> None:
    expected = program.expected("command line")
    done = started(program, tmp_path, "--audit", "-qq")
    if not expected.startswith(EXCEPTION):
        assert (done.returncode, done.stdout.partition(":")[0]) == (0, "repeatable"), done.stdout + done.stderr
    elif expected == f"{EXCEPTION}addresses":
        assert done.returncode == 1, done.stdout + done.stderr
