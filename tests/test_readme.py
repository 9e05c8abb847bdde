"""What the README shows is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_first_python_block_runs(tmp_path: Path) -> None:
    (program,) = blocks("python")
    script = tmp_path / "readme.py"  # a file, because messages and handlers are named by their source
    script.write_text(program)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_exactly_two_commands_do_all_the_set_up() -> None:
    (commands,) = blocks("bash")
    assert commands.splitlines() == [
        "pip install uv && uv run distbench -c configs/echo.yaml -a echo",
        "uv run pytest",
    ]


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_output_shown_is_what_the_first_command_prints() -> None:
    (shown,) = blocks("text")
    launcher = Path(sys.executable).with_name("distbench")
    if not launcher.exists():
        pytest.skip("the launcher is not installed beside this Python")
    done = subprocess.run(
        [str(launcher), "-c", "configs/echo.yaml", "-a", "echo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    def lines(text: str) -> list[str]:
        """Without the last line's wall time and rate, which differ from run to run, and without blanks around."""
        return [line.strip() for line in re.sub(r"[\d.]+ s wall.*", "wall", text).strip().splitlines()]

    printed = lines(done.stdout)
    assert [line for line in lines(shown) if line in printed] == printed
