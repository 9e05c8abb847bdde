"""Files that cannot be written whole: each is an error with its reason, and nothing half-written stands there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.cli.commandline import ROOT, Finished
from tests.contract.play import reserved_ports, with_ports

SOURCE = """
import logging
from distbench import Algorithm, PeerId, distbench, handler
logger = logging.getLogger(__name__)

@distbench
class Talks(Algorithm):
    async def on_start(self) -> None:
        for number in range(100):
            logger.info("line %03d of many", number)
        await self.terminate()

    async def report(self):
        return {"words": ["and so on"] * 100}
"""
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
BEFORE = "what stood there before\n"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")]


def limited(folder: Path, blocks: int, *arguments: str | Path, out: str = "", unbuffered: str = "") -> Finished:
    """A command line that may write so many blocks of 512 or 1,024 bytes into one file, as on a full disk."""
    script = f'ulimit -f {blocks}; exec "$@" {out}'
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "distbench", *map(str, arguments)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": unbuffered,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def refused(finished: Finished, *words: str) -> None:
    """It failed with one message, which has these words and the reason."""
    assert finished.status == 2, finished
    last = finished.err.splitlines()[-1]
    assert last.startswith("distbench: ")
    assert last.endswith(": File too large")
    assert all(word in last for word in words)
    assert "Traceback" not in finished.err


@pytest.fixture(params=[0, 1])
def blocks(request: pytest.FixtureRequest) -> Iterator[int]:
    """Nothing fits, or a part."""
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    "name, arguments",
    [
        ("out.yaml", ("topology", "ring:200", "-o", "out.yaml")),
        ("out.svg", ("topology", "ring:9", "--draw", "out.svg")),
        ("out.png", ("topology", "ring:9", "--draw", "out.png")),
        ("out.yaml", ("dockerize", "-c", "ring:50", "-a", "echo", "-o", "out.yaml")),
    ],
)
def test_a_file_is_as_it_was_before(
    tmp_path: Path, blocks: int, name: str, arguments: Sequence[str], there: bool
) -> None:
    if arguments[2] == "--draw":
        pytest.importorskip("matplotlib")
    before = f"# Made by dockerize.py\n{BEFORE}"
    if there:
        (tmp_path / name).write_text(before)
    refused(limited(tmp_path, blocks, *arguments), name)
    assert [path.name for path in tmp_path.iterdir()] == ([name] if there else [])
    assert not there or (tmp_path / name).read_text() == before


def test_of_several_files_none_is_made(tmp_path: Path, blocks: int) -> None:
    refused(limited(tmp_path, blocks, "new", "gossip"), "cannot write")
    refused(limited(tmp_path, blocks, "keys", "secret", "-c", "ring:50"), "cannot write")
    assert [path.name for path in tmp_path.rglob("*")] == ["secret"]


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("more", [(), ("--seeds", "0-9"), ("--mode", "local", "--port-base", "0")], ids=str)
def test_a_report_file_gets_the_whole_line_or_nothing(
    tmp_path: Path, blocks: int, more: Sequence[str], there: bool
) -> None:
    (tmp_path / "talks.py").write_text(SOURCE)
    if there:
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "n1.json").write_text(BEFORE)
    arguments = ("-c", "complete:2", "-a", "talks.py", "-q", "--report-dir", "reports", *more)
    refused(limited(tmp_path, blocks, *arguments), "--report-dir", "n1.json")
    assert [path.name for path in (tmp_path / "reports").iterdir()] == (["n1.json"] if there else [])
    assert not there or (tmp_path / "reports" / "n1.json").read_text() == BEFORE


def whole_lines(path: Path) -> bool:
    lines = path.read_text().split("\n")
    return not lines.pop() and all(line.endswith(f"line {n:03} of many") for n, line in enumerate(lines))


@pytest.mark.parametrize("more", [(), ("--mode", "local", "--port-base", "0")], ids=str)
def test_a_log_file_that_lacks_lines_is_told_of(tmp_path: Path, blocks: int, more: Sequence[str]) -> None:
    (tmp_path / "talks.py").write_text(SOURCE)
    finished = limited(tmp_path, blocks, "-c", "complete:3", "-a", "talks.py", "-q", "--log-dir", "logs", *more)
    refused(finished, "--log-dir", "n1.log", "and 2 more files")
    assert "completed: " in finished.out
    assert all(whole_lines(tmp_path / "logs" / f"n{number}.log") for number in (1, 2, 3))


def test_one_full_log_file_of_many_is_named(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "talks.py").write_text(SOURCE)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "n2.log").symlink_to("/dev/full")
    arguments = ("-c", "complete:3", "-a", "talks.py", "-q", "--mode", "local", "--port-base", "0")
    finished = limited(tmp_path, 100, *arguments, "--log-dir", "logs")
    assert finished.status == 2
    assert finished.err == f"distbench: --log-dir: cannot write '{tmp_path}/logs/n2.log': No space left on device\n"
    assert all((tmp_path / "logs" / f"n{number}.log").read_text().count("\n") == 100 for number in (1, 3))


def test_in_network_mode_as_well(tmp_path: Path) -> None:
    (tmp_path / "talks.py").write_text(SOURCE)
    with reserved_ports(1) as ports:
        (tmp_path / "config.yaml").write_text(json.dumps(with_ports({"n1": {}}, ports)))
        arguments = ("-c", "config.yaml", "-a", "talks.py", "-q", "--mode", "network", "--id", "n1")
        refused(limited(tmp_path, 1, *arguments, "--log-dir", "logs"), "--log-dir", "n1.log")


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c", "complete:30", "-a", "echo", "-q"),
        ("-c", "complete:30", "-a", "echo", "-q", "--json"),
        ("-c", "complete:30", "-a", "echo", "--seeds", "0-3", "--json"),
        ("topology", "ring:200"),
        ("completion", "bash"),
        ("list",),
        ("guide",),
        ("--help",),
        ("run", "--help"),
    ],
    ids=str,
)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_stdout_may_be_such_a_file(tmp_path: Path, blocks: int, arguments: Sequence[str], unbuffered: str) -> None:
    finished = limited(tmp_path, blocks, *arguments, out="> out", unbuffered=unbuffered)
    refused(finished, "cannot write to stdout")


@pytest.mark.parametrize("arguments", [("-c", "complete:2", "-a", "echo", "--json"), ("topology", "ring:3"), ("list",)])
def test_what_was_asked_for_and_cannot_be_said_is_an_error(tmp_path: Path, arguments: Sequence[str]) -> None:
    finished = limited(tmp_path, 100, *arguments, out=">&-")
    assert finished.status == 2
    assert finished.err.splitlines()[-1] == "distbench: cannot write to stdout: it is closed"


@pytest.mark.parametrize("arguments, status", [(("--nope",), 2), (("-c", "complete:2", "-a", "echo"), 0)])
def test_where_nobody_can_be_told_the_status_tells(tmp_path: Path, arguments: Sequence[str], status: int) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    assert limited(tmp_path, 100, *arguments, out="2>/dev/full").status == status
