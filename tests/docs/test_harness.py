"""The tests of the docs find what is wrong in a page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.docs.blocks import BadBlock, parse_blocks, parse_commands, unlike
from tests.docs.playing import Player


def play(tmp_path: Path, *lines: str) -> None:
    page = tmp_path / "page.md"
    page.write_text("\n".join(lines))
    Player(page, tmp_path).play(parse_blocks(page.read_text()))


def test_files_grow_by_title_and_code_runs_in_order(tmp_path: Path) -> None:
    before, path, here = set(sys.modules), list(sys.path), Path.cwd()
    play(
        tmp_path,
        '```python title="lib/planted.py"',
        "class Answer:",
        "```",
        "and then",
        '```python title="lib/planted.py"',
        "    value = 42",
        "```",
        "```python",
        "from lib.planted import Answer",
        "```",
        "```python",
        "assert Answer.value == 42",
        "```",
        "```console",
        "$ cat lib/planted.py",
        "class Answer:",
        "",
        "",
        "    value = …",
        "$ python -c 'raise SystemExit(3)'",
        "$ echo $?",
        "3",
        "$ sleep 0.01 &",
        "$ echo one \\",
        "    two",
        "one two",
        "```",
    )
    assert (path, here) == (list(sys.path), Path.cwd())
    assert not {name for name in set(sys.modules) - before if "planted" in name}


@pytest.mark.parametrize(
    "lines, problem",
    [
        (["```python", "assert 'spam' == 'eggs'", "```"], "^$"),
        (["```console", "$ echo one", "two", "```"], r"page.md:2: \$ echo one\nshould print: two"),
        (["```console", "$ false", "```"], "ended with status 1"),
        (["```console", "$ false &", "$ true", "```"], r"\$ false &\nended with status 1"),
        (["```console", "$ exit 3", "$ echo $?", "4", "```"], "should print: 4"),
    ],
)
def test_code_that_does_not_do_what_it_shows_fails(tmp_path: Path, lines: list[str], problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        play(tmp_path, *lines)


@pytest.mark.parametrize(
    "lines, problem",
    [
        (["```", "x", "```"], "line 1: a block of no language is not tested"),
        (["", "```rust", "```"], "line 2: a block of rust is not tested"),
        (["```yaml", "n1: {}", "```"], "a block of yaml is not tested"),
        (['```text title="x"', "```"], "a block of text is not tested"),
        (["- item", "  ```python", "  x = 1", "  ```"], "line 2: an indented block"),
        (["```python linenums", "```"], "'linenums' is not understood"),
        (["```python", "x = 1"], "line 1: the block never ends"),
    ],
)
def test_a_block_that_nobody_would_test_is_refused(lines: list[str], problem: str) -> None:
    with pytest.raises(BadBlock, match=problem):
        parse_blocks("\n".join(lines))


def test_a_console_block_starts_with_a_command() -> None:
    (block,) = parse_blocks("```console\ndistbench\n```")
    with pytest.raises(BadBlock, match="starts with"):
        parse_commands(block)


def test_needs_hold_for_the_next_block_only() -> None:
    page = (
        "<!-- needs: docker -->\n\n```text\na\n```\n```text\nb\n```\n<!-- needs: local -->\nno block\n```text\nc\n```"
    )
    assert [block.needs for block in parse_blocks(page)] == ["docker", None, None]


@pytest.mark.parametrize(
    "shown, printed, missing",
    [
        ("a\nb", "a\nb\n", None),
        ("a  ", "\na\n\n", None),
        ("a\nb", "a\nc", "b"),
        ("a", "a\nb", "nothing, where this was printed: b"),
        ("a\nb", "a", "b"),
        ("a\n…", "a\nb\nc", None),
        ("…\nc", "a\nb\nc", None),
        ("a\n…\nc", "a\nc", None),
        ("…\nc\nd", "a\nc\ne", "d"),
        ("took … ms", "took 12 ms", None),
        ("took … ms", "took 12 s", "took … ms"),
        ("1.5 s wall, 1,000 messages/s", "0.003 s wall, 12,345.6 messages/s", None),
        ("1.5 s virtual", "1.6 s virtual", "1.5 s virtual"),
    ],
)
def test_output_is_compared_line_by_line(shown: str, printed: str, missing: str | None) -> None:
    assert unlike(shown, printed) == missing
