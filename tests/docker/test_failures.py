"""What goes wrong in a container is seen from outside, and hangs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.docker.system import ALGORITHMS, System, docker, inspect

pytestmark = pytest.mark.docker

NODES = ("n1", "n2", "n3")


def test_a_node_that_is_killed_is_named_by_the_others_which_end(system: System) -> None:
    system.dockerize("-c", "complete:3", "-a", ALGORITHMS / "vigil.py", "--timeout", "60")
    system.compose("up", "-d")
    system.wait_for("Watching", NODES)
    docker("kill", system.containers()["n2"])
    assert system.wait() == {"n1": 1, "n2": 137, "n3": 0}
    assert "n2 is gone" in system.logs("n3")
    told = system.logs("n1")
    assert "n2 is gone: no connection for 5 s" in told
    assert re.search(r"^n2 +crashed", told, re.MULTILINE)
    assert "completed, but 1 node failed" in told


def test_without_the_coordinator_the_others_end_and_say_so(system: System) -> None:
    system.dockerize("-c", "complete:3", "-a", ALGORITHMS / "vigil.py", "--timeout", "60")
    system.compose("up", "-d")
    system.wait_for("Watching", NODES)
    docker("kill", system.containers()["n1"])
    assert system.wait() == {"n1": 137, "n2": 1, "n3": 1}
    for node in ("n2", "n3"):
        assert "the coordinator beside n1 is gone" in system.logs(node)


def test_a_network_that_is_away_for_three_seconds_loses_nothing(system: System) -> None:
    settings = ("--set", "*.count=300", "--set", "*.pause=0.02")
    system.dockerize("-c", "complete:3", "-a", ALGORITHMS / "stream.py", *settings, "--timeout", "60")
    system.compose("up", "-d")
    system.wait_for("The first from", NODES)
    container, network = system.containers()["n2"], f"{system.project}_nodes"
    docker("network", "disconnect", network, container)
    docker("run", "--rm", "--entrypoint", "sleep", "localhost/distbench", "3")
    docker("network", "connect", "--alias", "n2", network, container)
    assert system.wait() == dict.fromkeys(NODES, 0)
    assert re.search(r"^all 3 +1,800 +1,800 ", system.logs("n1"), re.MULTILINE)


@pytest.mark.parametrize("away", ["n1", "n2"])
def test_a_node_that_comes_back_with_another_address_is_found_again(system: System, away: str) -> None:
    settings = ("--set", "*.count=300", "--set", "*.pause=0.03")
    system.dockerize("-c", "complete:3", "-a", ALGORITHMS / "stream.py", *settings, "--timeout", "60")
    system.compose("up", "-d")
    system.wait_for("The first from", NODES)
    container, network, thief = system.containers()[away], f"{system.project}_nodes", f"{system.project}_thief"
    before = address(container)
    docker("network", "disconnect", network, container)
    takes_it = ("--network", network, "--entrypoint", "sleep", "localhost/distbench", "60")
    docker("run", "--detach", "--name", thief, *takes_it)
    try:
        docker("network", "connect", "--alias", away, network, container)
        assert address(container) != before
        assert system.wait() == dict.fromkeys(NODES, 0)
    finally:
        docker("rm", "--force", thief)
    assert re.search(r"^all 3 +1,800 +1,800 ", system.logs("n1"), re.MULTILINE)


def address(container: str) -> str:
    """The address of a container in its only network."""
    return inspect(container, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")


def test_exit_statuses_say_which_node_failed(system: System) -> None:
    system.dockerize("-c", "complete:3", "-a", ALGORITHMS / "faulty.py", "--set", "n3.breaks=true")
    system.compose("up", "--exit-code-from", "n1", status=1)  # the first node tells of the run as a whole
    assert system.statuses() == {"n1": 1, "n2": 0, "n3": 1}
    assert "ValueError: I had enough" in system.logs("n3")


def test_a_run_that_goes_well_ends_well_for_whoever_waits_for_one_node(system: System) -> None:
    system.dockerize("-c", "complete:3", "-a", "echo")
    system.compose("up", "--exit-code-from", "n1", status=0)
    system.compose("up", "--abort-on-container-exit", status=0)


def test_a_run_that_takes_too_long_ends_with_status_three(system: System) -> None:
    system.dockerize("-c", "complete:3", "-a", ALGORITHMS / "vigil.py", "--timeout", "1", "--startup-delay", "0")
    system.compose("up", "--exit-code-from", "n1", status=3)


def test_ctrl_c_ends_a_run_within_two_seconds(system: System) -> None:
    system.dockerize("-c", "complete:3", "-a", ALGORITHMS / "vigil.py", "--timeout", "60")
    system.compose("up", "-d")
    system.wait_for("Watching", NODES)
    system.compose("stop", "--timeout", "2")  # as Ctrl-C does; afterwards containers are killed, with status 137
    assert system.statuses() == dict.fromkeys(NODES, 130)
    assert "interrupted: " in system.logs("n1")


def test_two_systems_run_side_by_side(make_system: Callable[[], System]) -> None:
    systems = [make_system(), make_system()]
    for number, system in enumerate(systems):
        settings = ("--set", "n1.content=" + "ab"[number])
        system.dockerize("-c", "complete:3", "-a", "echo", *settings, "--startup-delay", "3000")
    for system in systems:
        system.compose("up", "-d")
    for number, system in enumerate(systems):
        assert system.wait() == dict.fromkeys(NODES, 0)
        assert f"Heard '{'ab'[number]}' from" in system.logs("n2")
