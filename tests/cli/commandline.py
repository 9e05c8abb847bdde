"""Command lines, run in this process or in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from distbench.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Finished:
    """What a command line left."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """Runs ``distbench`` in this process."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Finished:
        """Run it with ``arguments``."""
        status = main([str(argument) for argument in arguments])
        out, err = self.capture.readouterr()
        return Finished(status, out, err)

    def refused(self, *arguments: str | Path) -> str:
        """The message with which it refuses ``arguments``: exit status 2, nothing on stdout, no traceback."""
        finished = self(*arguments)
        assert finished.status == 2, finished
        assert finished.out == ""
        assert finished.err.startswith("distbench: ")
        assert "Traceback" not in finished.err
        return finished.err


def start(*arguments: str | Path, environment: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Finished:
    """Run ``python ARGUMENTS`` as a process; PYTHONHASHSEED is not set unless ``environment`` does."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
