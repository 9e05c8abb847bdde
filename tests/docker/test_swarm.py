"""The same file in a swarm of one machine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.docker.system import System, docker, run, wait_for_line

pytestmark = pytest.mark.docker(alone=True)  # an engine that leaves a swarm forgets the names of all containers


@pytest.fixture
def stack(image: str) -> Iterator[str]:
    """The name of a stack, in a swarm that is there or is made for it."""
    networks = set(docker("network", "ls", "--format", "{{.Name}}").split())
    ours = docker("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"
    if ours:
        docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    name = f"distbench-{uuid.uuid4().hex[:8]}"
    try:
        yield name
    finally:
        docker("stack", "rm", name, status=None)
        if ours:
            docker("swarm", "leave", "--force")
            if "docker_gwbridge" not in networks:
                docker("network", "rm", "docker_gwbridge", status=None)


def test_a_stack_runs_to_its_end_and_is_not_restarted(stack: str, tmp_path: Path) -> None:
    system = System(tmp_path)
    system.dockerize("-c", "complete:3", "-a", "echo")
    run(
        "docker",
        "stack",
        "deploy",
        "--resolve-image",
        "never",
        "--compose-file",
        "docker-compose.yaml",
        stack,
        cwd=tmp_path,
    )
    for node in ("n1", "n2", "n3"):
        printed = wait_for_line(" s wall", "docker", "service", "logs", "--raw", "--follow", f"{stack}_{node}")
        assert "completed: " in printed
        assert docker("service", "ps", f"{stack}_{node}", "--format", "{{.Image}}").splitlines() == [
            "localhost/distbench:latest"
        ]
    services = yaml.safe_load((tmp_path / "docker-compose.yaml").read_text())["services"]
    assert len(docker("stack", "services", stack, "--quiet").split()) == len(services)
