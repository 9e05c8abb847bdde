"""A system of containers, as a person works with it: dockerize.py, then docker-compose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ALGORITHMS = Path(__file__).resolve().parent / "algorithms"
LIMIT = 120
"""Seconds that a command may take."""

Done = subprocess.CompletedProcess[str]


def lacking() -> str | None:
    """Why no container can be started here, if none can."""
    for command in ("docker", "docker-compose"):
        if shutil.which(command) is None:
            return f"there is no command {command}"
    done = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"the Docker engine does not answer: {done.stderr.strip()}"
    base = os.environ.get("BASE_IMAGE", "python:3.11-slim-bookworm")
    for command in ("inspect", "pull"):
        done = subprocess.run(["docker", "image", command, base], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return None
    return f"the image {base} is not there and cannot be pulled; BASE_IMAGE names another: {done.stderr.strip()}"


def run(*command: str | Path, cwd: Path | None = None, status: int | None = 0) -> Done:
    """Run a command to its end; ``status`` is the exit status that it must have, None for any."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # python3 is this Python
        "COMPOSE_ANSI": "never",
        "COMPOSE_HTTP_TIMEOUT": str(LIMIT),
    }
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT, errors="replace"
    )
    text = f"{' '.join(words)} ended with status {done.returncode} and printed\n{done.stdout}{done.stderr}"
    assert status is None or done.returncode == status, text
    return done


def docker(*arguments: str | Path, status: int | None = 0) -> str:
    """Run ``docker``; what it prints."""
    return run("docker", *arguments, status=status).stdout.strip()


@dataclass
class System:
    """The compose file in ``folder``; the folder's name is the project's, as it is for docker-compose."""

    folder: Path
    project: str = field(init=False)

    def __post_init__(self) -> None:
        self.project = re.sub(r"[^-_a-z0-9]", "", self.folder.name.lower())

    def dockerize(self, *arguments: str | Path) -> None:
        """Write the compose file."""
        run("python3", ROOT / "dockerize.py", *arguments, "-o", "docker-compose.yaml", cwd=self.folder)

    def compose(self, *arguments: str | Path, status: int | None = 0) -> Done:
        """Run ``docker-compose``."""
        return run("docker-compose", *arguments, cwd=self.folder, status=status)

    def up(self, *arguments: str | Path) -> dict[str, int]:
        """Start all nodes and wait for their end; their exit statuses."""
        self.compose("up", *arguments)
        return self.statuses()

    def containers(self) -> dict[str, str]:
        """The name of each node's container."""
        label = f"label=com.docker.compose.project={self.project}"
        names = docker("ps", "--all", "--filter", label, "--format", "{{.Names}}").split()
        return {inspect(name, '{{index .Config.Labels "com.docker.compose.service"}}'): name for name in names}

    def statuses(self) -> dict[str, int]:
        """The exit status of each node that has ended, which all must have."""
        found = {
            node: inspect(name, "{{.State.Status}} {{.State.ExitCode}}") for node, name in self.containers().items()
        }
        assert all(text.startswith("exited ") for text in found.values()), found
        return {node: int(text.split()[1]) for node, text in sorted(found.items())}

    def wait(self) -> dict[str, int]:
        """Wait until all nodes have ended; their exit statuses."""
        run("docker", "wait", *self.containers().values())
        return self.statuses()

    def logs(self, node: str) -> str:
        """What a node printed."""
        return self.compose("logs", "--no-color", "--no-log-prefix", node).stdout

    def wait_for(self, text: str, nodes: Sequence[str]) -> None:
        """Wait until each of the nodes has printed a line with ``text``."""
        containers = self.containers()
        for node in nodes:
            wait_for_line(text, "docker", "logs", "--follow", containers[node])

    def networks(self) -> list[str]:
        """The networks of the project."""
        label = f"label=com.docker.compose.project={self.project}"
        return docker("network", "ls", "--filter", label, "--format", "{{.Name}}").split()

    def remove(self) -> None:
        """Take down whatever there is."""
        if (self.folder / "docker-compose.yaml").exists():
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "0", status=None)


def inspect(container: str, form: str) -> str:
    """What ``docker inspect`` says."""
    return docker("inspect", "--format", form, container)


def wait_for_line(text: str, *command: str) -> str:
    """Run a command until it prints a line with ``text``; what it printed up to there."""
    seen = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            seen += line
            if text in line:
                process.kill()
                return seen
    raise AssertionError(f"{' '.join(command)} ended without {text!r}:\n{seen}")
