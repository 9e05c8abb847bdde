from __future__ import annotations

import re
from pathlib import Path

from distbench.words import plural

PACKAGE = Path(__file__).parents[1] / "distbench"


def test_one_of_a_thing_stands_in_the_singular() -> None:
    assert [plural(count, "more node") for count in (0, 1, 2, 1000)] == [
        "0 more nodes",
        "1 more node",
        "2 more nodes",
        "1,000 more nodes",
    ]


def test_nothing_else_makes_a_plural() -> None:
    by_hand = re.compile(r"[\"']s[\"'] \* |\* [\"']s[\"']")
    found = [path.name for path in sorted(PACKAGE.rglob("*.py")) if by_hand.search(path.read_text(encoding="utf-8"))]
    assert found == ["words.py"]
