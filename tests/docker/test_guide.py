"""The Docker section of the guide, its commands as printed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.system import ROOT, Done, System, run

pytestmark = pytest.mark.docker

NOT_CLONED = (".*", "__pycache__", "uv.lock", "docker-compose.yaml", "reports", "site", "dist")


@pytest.fixture
def clone(image: str, tmp_path: Path) -> Iterator[System]:
    """A clone of the repository, and the system that is started in it."""
    folder = tmp_path / f"clone-{uuid.uuid4().hex[:8]}"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_CLONED))
    shutil.copy(ROOT / ".dockerignore", folder)
    system = System(folder)
    try:
        yield system
    finally:
        system.remove()


def typed(system: System, command: str, status: int = 0) -> Done:
    """What a person types in the clone."""
    return run(*shlex.split(command.replace("\\\n", " ")), cwd=system.folder, status=status)


def test_the_quick_start_runs_and_leaves_nothing_behind(clone: System) -> None:
    typed(
        clone,
        r"""python3 dockerize.py \
  -c configs/echo.yaml \
  -a echo \
  -o docker-compose.yaml""",
    )
    done = typed(clone, "docker-compose up --build")
    assert "The echo is back: 2 other nodes heard 'hello'" in done.stdout
    assert clone.statuses() == {"n1": 0, "n2": 0, "n3": 0}
    assert all(name.startswith(clone.project) for name in clone.containers().values())
    assert "\x1b" not in clone.logs("n1")
    assert clone.networks() == [f"{clone.project}_nodes"]
    typed(clone, "docker-compose down")
    assert clone.containers() == {}
    assert clone.networks() == []


def test_it_runs_detached_and_the_logs_can_be_followed(clone: System) -> None:
    typed(clone, "python3 dockerize.py -c configs/echo.yaml -a echo -o docker-compose.yaml")
    typed(clone, "docker-compose up --build -d")
    done = typed(clone, "docker-compose logs -f")
    assert "completed: " in done.stdout
    assert clone.wait() == {"n1": 0, "n2": 0, "n3": 0}


def test_latency_delays_every_message(clone: System) -> None:
    typed(
        clone,
        r"""python3 dockerize.py \
  -c configs/echo.yaml \
  -a echo \
  --latency 10-50 \
  -o docker-compose.yaml""",
    )
    typed(clone, "docker-compose up --build")
    assert set(clone.statuses().values()) == {0}
    (line,) = [line for line in clone.logs("n1").splitlines() if "The echo is back" in line]
    assert float(line.split()[0]) >= 0.02  # there and back


def test_reports_are_collected_one_for_each_node(clone: System) -> None:
    typed(clone, "mkdir reports")
    typed(
        clone,
        r"""python3 dockerize.py \
  -c configs/echo.yaml \
  -a echo \
  --report-dir ./reports \
  -o docker-compose.yaml""",
    )
    typed(clone, "docker-compose up --build")
    assert set(clone.statuses().values()) == {0}
    files = sorted((clone.folder / "reports").iterdir())
    assert [file.name for file in files] == ["n1.json", "n2.json", "n3.json"]
    for file in files:
        (line,) = file.read_text().splitlines()
        report = json.loads(line)
        assert (report["node"], report["outcome"], report["algorithm"]) == (file.stem, "completed", "Echo")
        assert file.stat().st_uid == os.getuid()


def test_report_files_belong_to_whoever_started_it(system: System) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can be somebody else for a while")
    uid = 12345
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders can be entered by root only
        os.chmod(folder, 0o755)
        reports = Path(folder) / "reports"
        reports.mkdir()
        os.chown(reports, uid, uid)
        # The user in name; root's rights remain, so that this Python can be read wherever it is installed.
        program = f"import os; os.setresgid({uid}, 0, 0); os.setresuid({uid}, 0, 0); from distbench.cli import main; "
        command = ["dockerize", "-c", str(ROOT / "configs" / "echo.yaml"), "-a", "echo", "--report-dir", str(reports)]
        run("python3", "-c", f"{program}raise SystemExit(main({command}))", cwd=system.folder)
        assert set(system.up().values()) == {0}
        owners = {file.name: (file.stat().st_uid, file.stat().st_gid) for file in reports.iterdir()}
    assert owners == {f"{node}.json": (uid, uid) for node in ("n1", "n2", "n3")}


@pytest.mark.parametrize(
    "algorithm, node, wanted",
    [
        ("echo", "n1", "completed: "),
        ("pingpong", "n1", "quiescent: "),
        ("chang_roberts", "n3", "Elected with number 42"),
        ("message_chain", "n3", "Accepted 'attack at dawn' along n1 > "),
        ("simple_broadcast", "node3", "Intercepted: Hello from Upper Layer! from node1"),
    ],
)
def test_every_shipped_algorithm_runs(system: System, algorithm: str, node: str, wanted: str) -> None:
    system.dockerize("-c", ROOT / "configs" / f"{algorithm}.yaml", "-a", algorithm)
    assert set(system.up().values()) == {0}
    assert wanted in system.logs(node)
