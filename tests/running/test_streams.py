"""Standard streams that whoever starts a run has closed: the run goes its way, and nobody else gets their places."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.contract.play import reserved_ports, with_ports
from tests.running.watched import ROOT

pytestmark = pytest.mark.slow

SOURCE = """
import os, sys
from distbench import Algorithm, PeerId, distbench, handler

@distbench
class Made(Algorithm):
    async def on_start(self) -> None:
        print("from", self.id())
        for peer in self.peers.values():
            assert await peer.ask("a question") == 10
        for place in range(3):
            assert not os.path.realpath(f"/proc/self/fd/{place}").endswith((".log", ".json", "socket"))
        await self.terminate()

    @handler
    async def ask(self, src: PeerId, msg: str) -> int:
        print("asked by", src)
        return len(msg)
"""
SETS = [closed for count in (1, 2, 3) for closed in itertools.combinations((0, 1, 2), count)]
FROM_PYTHON = """
import os, sys
{close}
import distbench
result = distbench.run("made.py", "complete:3", mode={mode!r})
os._exit(result.exit_status)
"""


def run(folder: Path, closed: Sequence[int], *command: str, source: str | None = None) -> subprocess.Popen[bytes]:
    """A process without some of its standard streams."""
    (folder / "made.py").write_text(SOURCE if source is None else source)

    redirected = "".join(f" {place}>&-" for place in closed) + (" 2>>err" if 2 not in closed else "")
    return subprocess.Popen(
        ["sh", "-c", f'exec "$@"{redirected}', "sh", sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end_of(process: subprocess.Popen[bytes], folder: Path) -> tuple[int, str]:
    """Its exit status, and what it said."""
    with process:
        status = process.wait(60)
    return status, (folder / "err").read_text() if (folder / "err").exists() else ""


@pytest.mark.parametrize("closed", SETS, ids=str)
@pytest.mark.parametrize(
    "options",
    [
        ("--mode", "local", "--port-base", "0", "--log-dir", "logs", "--report-dir", "reports"),
        ("--log-dir", "logs", "--report-dir", "reports"),
        ("--seeds", "0-9", "--jobs", "2", "--report-dir", "reports"),
    ],
    ids=["local", "offline", "seeds"],
)
def test_closed_streams_change_nothing(tmp_path: Path, closed: Sequence[int], options: Sequence[str]) -> None:
    command = ("-m", "distbench", "-c", "complete:3", "-a", "made.py", "-q", *options)
    assert end_of(run(tmp_path, closed, *command), tmp_path) == (0, "")
    assert (tmp_path / "reports" / "n1.json").stat().st_size > 0


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1, 2)], ids=str)
def test_nor_in_network_mode(tmp_path: Path, closed: Sequence[int]) -> None:
    with reserved_ports(2) as ports:
        (tmp_path / "config.yaml").write_text(str(with_ports({"n1": {}, "n2": {}}, ports)))
        command = ("-m", "distbench", "-c", "config.yaml", "-a", "made.py", "-q", "--mode", "network", "--id")
        processes = [run(tmp_path, closed, *command, node) for node in ("n1", "n2")]
        assert [end_of(process, tmp_path) for process in processes] == [(0, "")] * 2


@pytest.mark.parametrize("mode", ["offline", "local"])
@pytest.mark.parametrize(
    "close",
    ["os.closerange(0, 3); sys.stdout = sys.stderr = sys.stdin = None", "sys.stdout = sys.stderr = sys.stdin = None"],
)
def test_nor_from_python(tmp_path: Path, mode: str, close: str) -> None:
    assert end_of(run(tmp_path, (), "-c", FROM_PYTHON.format(close=close, mode=mode)), tmp_path)[0] == 0


def test_nor_in_the_workers_of_many_seeds(tmp_path: Path) -> None:
    code = """
import os, sys
os.closerange(0, 3)
sys.stdout = sys.stderr = sys.stdin = None
import distbench
many = distbench.run("made.py", "complete:3", seeds=range(20), jobs=2)
os._exit(many.exit_status or len(many.runs) - 20)
"""
    noisy = SOURCE.replace('print("from", self.id())', 'os.write(1, b"n"), os.write(2, b"n")')
    process = run(tmp_path, (), "-c", code, source=noisy)
    assert end_of(process, tmp_path)[0] == 0
