"""Every code block of the docs runs, and prints what it shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docker.system import lacking
from tests.docs.blocks import Block, parse_blocks
from tests.docs.playing import ROOT, Player

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
PAGES.remove(ROOT / "README.md")  # tests/test_readme.py: its commands set up the project


def lacks_processes() -> str | None:
    """Why no node can be a process of its own, if none can."""
    return "on Windows distbench runs offline only" if sys.platform == "win32" else None


NEEDS: dict[str, tuple[pytest.MarkDecorator, Callable[[], str | None]]] = {
    "local": (pytest.mark.slow, lacks_processes),
    "network": (pytest.mark.slow, lacks_processes),
    "docker": (pytest.mark.docker, lacking),
}


def cases() -> Iterator[object]:
    """Each page, and once more for each thing that some of its blocks need."""
    for page in PAGES:
        blocks = parse_blocks(page.read_text(encoding="utf-8"))
        name = str(page.relative_to(ROOT))
        long = page.name == "guide.md"
        yield pytest.param(page, None, id=name, marks=pytest.mark.slow if long else ())
        for need in dict.fromkeys(block.needs for block in blocks if block.needs):
            yield pytest.param(page, need, id=f"{name}-{need}", marks=NEEDS[need][0])


@pytest.mark.parametrize("page, need", list(cases()))
def test_the_code_of_the_docs_runs(page: Path, need: str | None, tmp_path: Path) -> None:
    if need is not None and (why := NEEDS[need][1]()):
        pytest.skip(f"the blocks of {page.name} that need {need}: {why}")
    blocks: list[Block] = parse_blocks(page.read_text(encoding="utf-8"))
    player = Player(page, tmp_path)
    try:
        player.play(block for block in blocks if block.needs in (None, need))
    finally:
        if need == "docker":  # whatever failed: no container and no network stays
            subprocess.run(["docker-compose", "down"], cwd=player.folder, capture_output=True, check=False)
