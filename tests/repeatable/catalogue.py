"""The programs of this suite: files as users write them, and what their first lines say of them."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent / "programs"
REPEATABLE: Final = "repeatable"
REFUSED: Final = "refused: "
FAILS: Final = "fails: "
EXCEPTION: Final = "exception: "
_LINE: Final = re.compile(r"# (expected|from python|since 3\.12|python|needs|nodes|doors): (.+)")
_KNOWN: Final = re.compile(rf"{REPEATABLE}|{EXCEPTION}.+|{REFUSED}.+|{FAILS}.+")


@dataclass(frozen=True)
class Program:
    """One program. Its first lines are comments such as ``# expected: refused: time.sleep()``."""

    path: Path

    @cached_property
    def _said(self) -> dict[str, str]:
        said: dict[str, str] = {}
        for line in self.path.read_text().splitlines():
            found = _LINE.fullmatch(line)
            if found is None:
                break
            said[found[1]] = found[2]
        return said

    @property
    def name(self) -> str:
        """Kind and file, such as ``clocks/readings``."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def algorithm(self) -> str:
        """The class that is played: the file's name in capitals."""
        return "".join(word.capitalize() for word in self.path.stem.split("_"))

    @property
    def nodes(self) -> str:
        """The config that it is played over."""
        return self._said.get("nodes", "complete:3")

    @property
    def is_program(self) -> bool:
        """A file without a first line about what to expect is a module that programs import."""
        return "expected" in self._said

    def expected(self, door: str) -> str:
        """``repeatable``; ``refused: `` or ``fails: `` and words of the failure; ``exception: `` and which one."""
        said = self._said["expected"]
        if sys.version_info >= (3, 12):
            said = self._said.get("since 3.12", said)
        if door == "python":
            said = self._said.get("from python", said)
        assert _KNOWN.fullmatch(said), f"{self.name}: what is '{said}'?"
        return said

    @property
    def differs_by_door(self) -> bool:
        """Whether it sees by which door it was started, so that digests are compared within each door only."""
        return self._said.get("doors") == "differ"

    @property
    def runs_here(self) -> bool:
        """Whether this Python is new enough, and has the packages that it needs."""
        least = self._said.get("python", "3.11").split(".")
        if sys.version_info[:2] < (int(least[0]), int(least[1])):
            return False
        return all(importlib.util.find_spec(each) is not None for each in self._said.get("needs", "").split())


def programs() -> list[Program]:
    """All programs that this Python can run, by their names."""
    return [each for each in all_programs() if each.runs_here]


def all_programs() -> list[Program]:
    """All programs, for whatever Python."""
    found = (Program(path) for path in sorted(FOLDER.glob("*/*.py")))
    return [each for each in found if each.is_program]


def helpers() -> list[str]:
    """The modules and packages beside the programs, as they are imported."""
    files = [path for path in sorted(FOLDER.glob("*/*.py")) if not Program(path).is_program]
    return [path.stem for path in files] + [path.parent.name for path in sorted(FOLDER.glob("*/*/__init__.py"))]
