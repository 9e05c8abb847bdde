"""Plays a page of the docs: writes its files and runs its code in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from collections.abc import Iterable
from pathlib import Path

from tests.docs.blocks import Block, Command, parse_commands, unlike

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = 120
"""Seconds that a command may take."""

_PROGRAMS = {
    "distbench": "from distbench_start import main; main()",
    "pytest": "import pytest; sys.exit(pytest.main())",
}


class Player:
    """Plays the blocks of one page, in order."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.page = page
        # docker-compose calls a system after its folder, and pages may be played side by side.
        self.folder = folder / page.stem
        self._bin = folder / "bin"
        self._module = types.ModuleType(f"page_{page.stem}")
        self._module.__file__ = str(page)

    def play(self, blocks: Iterable[Block]) -> None:
        """Play ``blocks``; an AssertionError names the line of the first that does not do what it shows."""
        self.folder.mkdir()
        (self._bin / "programs").mkdir(parents=True)
        for name, program in _PROGRAMS.items():
            script = self._bin / "programs" / name
            script.write_text(f"import sys\n{program}\n")
            self._launcher(name, f'"{script}"')
        for name in ("python", "python3"):
            self._launcher(name, "")
        before, path = set(sys.modules), list(sys.path)
        here = Path.cwd()
        sys.modules[self._module.__name__] = self._module
        sys.path.insert(0, str(self.folder))
        os.chdir(self.folder)
        try:
            for block in blocks:
                self._play(block)
        finally:
            os.chdir(here)
            sys.path[:] = path
            for name in set(sys.modules) - before:
                file = getattr(sys.modules[name], "__file__", None) or ""
                if file.startswith(str(self.folder)) or name == self._module.__name__:
                    del sys.modules[name]

    def _launcher(self, name: str, script: str) -> None:
        """A command of this name, run by this Python, whatever is installed beside it."""
        launcher = self._bin / name
        launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" {script} "$@"\n')
        launcher.chmod(0o755)

    def _play(self, block: Block) -> None:
        if block.title is not None:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as stream:
                stream.write(("\n\n" if file.stat().st_size else "") + block.text)
        elif block.language == "python":
            code = compile("\n" * (block.line - 1) + block.text, str(self.page), "exec", dont_inherit=True)
            exec(code, vars(self._module))
        elif block.language == "console":
            self._run_all(block)

    def _run_all(self, block: Block) -> None:
        beside: list[tuple[Command, subprocess.Popen[str]]] = []
        status = 0
        commands = parse_commands(block)
        for command, following in zip(commands, [*commands[1:], None], strict=True):
            if command.line.endswith(" &"):
                beside.append((command, self._start(command.line.removesuffix(" &"), status)))
                continue
            process = self._start(command.line, status)
            status, printed = self._wait(process)
            asks = following is not None and following.line == "echo $?"
            self._compare(block, command, 0 if asks else status, printed)
        for command, process in beside:
            self._compare(block, command, *self._wait(process))

    def _start(self, line: str, status: int) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONHASHSEED": "0",  # as the command line itself would have it, by starting once more
            "NO_COLOR": "1",
            "COLUMNS": "120",
            # The plugin of distbench, and no other.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "distbench.pytest_plugin",
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
        }
        shell = shutil.which("bash") or "sh"
        return subprocess.Popen(
            [shell, "-c", f"(exit {status}); {line}"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _wait(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        try:
            printed, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _ = process.communicate()
            printed += f"\n[no end within {LIMIT} s]"
        return process.returncode, printed

    def _compare(self, block: Block, command: Command, status: int, printed: str) -> None:
        where = f"{self.page.name}:{block.line}: $ {command.line}"
        if status != 0:
            raise AssertionError(f"{where}\nended with status {status} and printed:\n{printed}")
        missing = None if command.output is None else unlike(command.output, printed)
        if missing is not None:
            raise AssertionError(f"{where}\nshould print: {missing}\nIt printed:\n{printed}")
