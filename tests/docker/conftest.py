from __future__ import annotations

import fcntl
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docker.system import System, lacking


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips where there is no engine."""
    why = lacking()
    if why is not None:
        pytest.skip(f"tests with containers: {why}")


@pytest.fixture(scope="session")
def image(engine: None, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    """The image of this distbench, built once for all workers; its name."""
    folder = tmp_path_factory.mktemp("image")
    shared = folder.parent if worker_id == "master" else folder.parent.parent
    with (shared / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "image.built").exists():
            system = System(folder)
            system.dockerize("-c", "complete:2", "-a", "echo")
            system.compose("build")
            (shared / "image.built").touch()
    return "localhost/distbench"


@pytest.fixture
def make_system(image: str, tmp_path: Path) -> Iterator[Callable[[], System]]:
    """Makes systems with projects of their own, which are taken down at the end."""
    made = []

    def make() -> System:
        folder = tmp_path / f"distbench-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        made.append(System(folder))
        return made[-1]

    try:
        yield make
    finally:
        for system in made:
            system.remove()


@pytest.fixture
def system(make_system: Callable[[], System]) -> System:
    """One system."""
    return make_system()
