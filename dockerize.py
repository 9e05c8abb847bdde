#!/usr/bin/env python3
"""Writes a compose file that runs every node in a container of its own: ``python3 dockerize.py --help``.

Any Python 3 can start this. What it needs is looked for in this order: in the Python that runs it, in the project's own
environment, by way of ``uv run``.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
TRIED = "DISTBENCH_DOCKERIZE_TRIED"
"""The environment variable that says which ways were tried: none is tried twice."""


def main() -> int:
    """Run the command, or become a process that can."""
    try:
        from distbench.cli import main as run
    except (ImportError, SyntaxError) as error:  # a package is missing, or this Python is older than 3.11
        missing = error
    else:
        return run(["dockerize", *sys.argv[1:]])
    tried = os.environ.get(TRIED, "").split()
    for name, command in ways():
        if name not in tried:
            os.environ[TRIED] = " ".join([*tried, name])
            os.execv(command[0], [*command, str(ROOT / "dockerize.py"), *sys.argv[1:]])
    print(f"dockerize.py: {missing}; run 'pip install uv', which brings the rest, and try again", file=sys.stderr)
    return 2


def ways() -> Iterator[tuple[str, list[str]]]:
    """Commands that run a script with all that distbench needs, by name."""
    python = ROOT / ".venv" / "bin" / "python"
    if python.is_file():
        yield "venv", [str(python)]
    project = ["run", "--quiet", "--project", str(ROOT), "python"]
    uv = shutil.which("uv")
    if uv is not None:
        yield "uv", [uv, *project]
    if find_spec("uv") is not None:
        yield "module", [sys.executable, "-m", "uv", *project]


if __name__ == "__main__":
    sys.exit(main())
