"""The guards of this test suite catch what they are there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CULPRITS = """
import asyncio, socket, subprocess, sys, threading
import pytest

kept = []

def test_socket():
    kept.append(socket.socket())

def test_process():
    kept.append(subprocess.Popen([sys.executable, "-c", "pass"]))

def test_task():
    loop = asyncio.new_event_loop()
    async def start():
        kept.append(asyncio.create_task(asyncio.sleep(9)))
    loop.run_until_complete(start())
    loop.close()

def test_thread():
    wake = threading.Event()
    kept.append(wake)
    threading.Thread(target=wake.wait, daemon=True).start()

def test_innocent():
    pass

@pytest.mark.slow
def test_unwilling():
    pytest.skip("no time")
"""


def run_pytest(folder: Path, *arguments: str, require: str = "") -> str:
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_culprits.py").write_text(CULPRITS)
    markers = "\n".join(["[pytest]", "markers =", "    slow: slow"])
    (folder / "pytest.ini").write_text(markers)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "DISTBENCH_REQUIRE": require, "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_a_test_that_leaves_something_behind_fails(tmp_path: Path) -> None:
    output = run_pytest(tmp_path, "-m", "not slow")
    for culprit, what in (("socket", "open socket"), ("process", "child"), ("task", "task"), ("thread", "thread")):
        assert f"ERROR test_culprits.py::test_{culprit} - AssertionError: left behind: {what}" in output, output
    assert "5 passed, 1 deselected, 4 errors" in output, output


@pytest.mark.slow
def test_a_required_test_may_not_be_skipped(tmp_path: Path) -> None:
    assert "1 skipped" in run_pytest(tmp_path, "-m", "slow")
    output = run_pytest(tmp_path, "-m", "slow", require="docker,slow")
    assert "1 failed" in output, output
    assert "DISTBENCH_REQUIRE names slow, so this may not be skipped: Skipped: no time" in output, output
