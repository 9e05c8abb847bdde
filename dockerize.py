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
NEEDED = ("click", "msgspec", "nacl", "networkx", "yaml")
"""Packages that it may need; some are imported only when they are."""
TRIED = "DISTBENCH_DOCKERIZE_TRIED"
"""The environment variable that says which ways were tried: none is tried twice."""


def main() -> int:
    """Run the command, or become a process that can."""
    missing = lacking()
    if missing is None:
        from distbench.cli import main as run

        return run(["dockerize", *sys.argv[1:]])
    tried = os.environ.get(TRIED, "").split()
    for name, command in ways():
        if name not in tried:
            os.environ[TRIED] = " ".join([*tried, name])
            os.execv(command[0], [*command, str(ROOT / "dockerize.py"), *sys.argv[1:]])
    print(
        f"dockerize.py: {missing}; run 'pip install uv', which brings the rest, or, where pip refuses, "
        f"'cd {ROOT} && python3 -m venv .venv && .venv/bin/pip install .', and try again",
        file=sys.stderr,
    )
    return 2


def lacking() -> str | None:
    """What this Python lacks for it, if anything: a package, or the syntax of 3.11."""
    for name in NEEDED:
        if find_spec(name) is None:
            return f"No module named {name!r}"
    try:
        import distbench.cli.dockerize  # noqa: F401
    except (ImportError, SyntaxError) as error:
        return str(error)
    return None


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
