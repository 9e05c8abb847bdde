"""What is in the image, and how its first process behaves."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest
import yaml

from tests.docker.system import ALGORITHMS, ROOT, System, docker, inspect, run, wait_for_line

pytestmark = pytest.mark.docker

WAITS = ("-c", "complete:2", "-a", "echo", "--mode", "network", "--id", "n1")
"""A command line that waits for a node that never comes."""


def inside(image: str, script: str) -> str:
    """Run a shell script in a container."""
    return docker("run", "--rm", "--entrypoint", "sh", image, "-c", script)


def test_a_node_is_a_user_without_rights(image: str) -> None:
    assert inside(image, "id -u") != "0"
    assert inside(image, "touch /opt/distbench/x 2>/dev/null || echo refused") == "refused"


def test_a_container_of_a_run_has_no_capabilities(system: System) -> None:
    system.dockerize("-c", "complete:2", "-a", "echo")
    system.compose("up", "--no-start")
    for container in system.containers().values():
        assert inspect(container, "{{.HostConfig.CapDrop}} {{.HostConfig.Privileged}}") == "[ALL] false"


def test_there_is_no_compiler(image: str) -> None:
    assert inside(image, "for tool in cc gcc g++ clang make; do command -v $tool; done; true") == ""


def test_the_versions_are_those_of_the_requirements(image: str) -> None:
    code = (
        "import json; from importlib.metadata import distributions; "
        "print(json.dumps({d.name.lower(): d.version for d in distributions(path=[p for p in __import__('sys').path "
        "if p.startswith('/opt/distbench')])}))"
    )
    found = json.loads(docker("run", "--rm", "--entrypoint", "python3", image, "-c", code))
    found.pop("distbench")
    pinned = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert found == dict(pinned)


def test_the_image_runs_distbench_for_anything_else_too(image: str) -> None:
    assert docker("run", "--rm", image, "--version").startswith("distbench ")
    assert "completed: " in docker("run", "--rm", image, "-c", "ring:5", "-a", "chang_roberts")


@pytest.mark.parametrize("signal", ["INT", "TERM"])
def test_a_node_that_waits_for_others_can_be_stopped(image: str, signal: str) -> None:
    container = docker("run", "--detach", image, *WAITS)
    try:
        wait_for_line("waiting for n2", "docker", "logs", "--follow", container)
        docker("kill", "--signal", signal, container)
        status = docker("wait", container)
    finally:
        docker("rm", "--force", container)
    assert status in ("1", "130")


def test_orphans_of_an_algorithm_are_buried(system: System) -> None:
    """By whoever keeps the node's process, who inherits what it leaves behind."""
    system.dockerize("-c", "complete:2", "-a", ALGORITHMS / "orphan.py")
    assert set(system.up().values()) == {0}
    assert re.search(r"process \d+ buried it", system.logs("n2"))


def test_an_algorithm_can_be_copied_into_an_image_of_its_own_name(system: System) -> None:
    name = f"localhost/{system.project}"
    try:
        system.dockerize("-c", "complete:3", "-a", ALGORITHMS / "faulty.py", "--copy", "--image", name)
        services = yaml.safe_load((system.folder / "docker-compose.yaml").read_text())["services"]
        assert all("volumes" not in service for service in services.values())
        assert set(system.up("--build").values()) == {0}
    finally:
        system.remove()
        docker("image", "rm", "--force", name, status=None)


def test_each_container_has_its_own_key_from_the_folder(system: System) -> None:
    from distbench.config import load_config
    from distbench.running.keyfiles import write_keys

    keys = system.folder / "keys"
    write_keys(keys, load_config("complete:3").nodes)
    system.dockerize("-c", "complete:3", "-a", "echo", "--keys", keys)
    assert system.up() == {"n1": 0, "n2": 0, "n3": 0}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in keys.glob("*.key"))


def test_limits_hold(system: System) -> None:
    system.dockerize("-c", "complete:2", "-a", "echo", "--cpus", "0.5", "--memory", "256m")
    assert set(system.up().values()) == {0}
    for container in system.containers().values():
        assert inspect(container, "{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}") == f"500000000 {256 * 2**20}"


def test_the_file_works_from_any_folder(system: System, tmp_path: Path) -> None:
    system.dockerize("-c", "complete:2", "-a", ALGORITHMS / "faulty.py", "--report-dir", "reports")
    file = system.folder / "docker-compose.yaml"
    run("docker-compose", "--file", os.path.relpath(file, "/"), "up", cwd=Path("/"))
    assert set(system.statuses().values()) == {0}
    system.compose("down")
    moved = tmp_path / system.project.replace("distbench", "moved") / "docker-compose.yaml"
    moved.parent.mkdir()
    file.rename(moved)
    again = System(moved.parent)
    try:
        assert set(again.up().values()) == {0}
    finally:
        again.remove()
    assert {file.name for file in (system.folder / "reports").iterdir()} == {"n1.json", "n2.json"}


SCHEMA_CHECK = """
import json, sys
from pathlib import Path
import compose.config, jsonschema, yaml

schema = json.loads((Path(compose.config.__file__).parent / "compose_spec.json").read_text())
jsonschema.Draft7Validator(schema).validate(yaml.safe_load(sys.stdin))
"""


def test_the_file_is_valid_by_the_specification_that_docker_compose_brings(system: System) -> None:
    program = Path(run("sh", "-c", "command -v docker-compose").stdout.strip()).resolve()
    with program.open("rb") as file:
        first = file.readline()
    if not first.startswith(b"#!"):
        pytest.skip("this docker-compose is no Python program, and does not show the schema")
    python = first[2:].decode().split()[0]
    options = ("--latency", "10-50", "--report-dir", "reports", "--cpus", "1", "--memory", "1g", "-vv", "--copy")
    system.dockerize("-c", "complete:2", "-a", ALGORITHMS / "faulty.py", *options)
    file_name = system.folder / "docker-compose.yaml"
    run("sh", "-c", f"{python} -c '{SCHEMA_CHECK}' < {file_name}")
    system.compose("config", "--quiet")
