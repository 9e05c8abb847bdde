"""What the pages beside the guide say about the repository is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import parse_blocks
from tests.docs.playing import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MADE = {"cli.md", "architecture.md", "changelog.md"}
"""Pages that docs/hooks.py makes when the site is built."""


def rows_of_the_house() -> list[set[str]]:
    """The rooms that ARCHITECTURE.md draws, by row."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    house = parse_blocks(page)[0].text
    named = re.compile(r"^[a-z]\S*(?: [a-z]\S*)*(?=  )", re.MULTILINE)
    return [
        {room.rstrip("/") for rooms in named.findall(row) for room in rooms.split()} for row in house.split("-" * 86)
    ]


def test_the_house_is_the_one_that_the_linter_checks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (one["layers"] for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    there = {path.stem for path in (ROOT / "distbench").iterdir()}
    built = [{name for name in re.findall(r"\w+", row) if name in there} for row in reversed(layers)]
    assert rows_of_the_house() == [row for row in built if row]


def test_every_decision_is_told_in_four_parts() -> None:
    for page in sorted((ROOT / "docs" / "adr").glob("*.md")):
        headings = re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Rejected", "Consequences"], page.name


def test_the_page_about_the_architecture_leads_to_every_decision() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    decisions = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert re.findall(r"\]\((docs/adr/[^)]+)\)", page) == decisions


def test_what_builds_the_site_is_installed_with_the_rest() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["uv"]["default-groups"] == sorted(settings["dependency-groups"])


def test_the_site_leads_to_every_page_once() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    pages = [page for part in nav for page in (part.values() if isinstance(part, dict) else [part]) if page]
    assert sorted(pages) == sorted([*MADE, *(page.name for page in (ROOT / "docs").glob("*.md"))])


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_to_files_that_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith("https://") and Path(target).name not in MADE:
            assert (page.parent / target).exists(), target
