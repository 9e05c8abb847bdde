"""The public surface: what can be imported, from where, and how lightly."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from importlib.resources import files

import pytest

import distbench

PUBLIC = [
    "Algorithm",
    "CallError",
    "Community",
    "ConfigError",
    "DefinitionError",
    "DistbenchError",
    "End",
    "HandlerError",
    "MessageError",
    "NondeterminismError",
    "Outcome",
    "Peer",
    "PeerDown",
    "PeerId",
    "RemoteError",
    "RunConfig",
    "RunFailed",
    "RunResult",
    "SeedsResult",
    "SignatureError",
    "Signed",
    "StartupError",
    "child_algorithm",
    "config_field",
    "distbench",
    "handler",
    "message",
    "run",
]
OLDER = {
    "distbench.algorithm": "Algorithm",
    "distbench.community": "Community PeerId",
    "distbench.decorators": "child_algorithm config_field distbench handler message",
    "distbench.signing": "Signed",
}
HEAVY = ["click", "matplotlib", "nacl", "networkx", "numpy", "rich", "uvloop", "yaml"]


def test_the_public_names_are_these_and_sorted() -> None:
    assert distbench.__all__ == PUBLIC
    assert sorted(PUBLIC) == PUBLIC


def test_every_public_name_exists_and_is_documented() -> None:
    for name in PUBLIC:
        assert getattr(distbench, name).__doc__, name
        assert name in dir(distbench)


def test_a_star_import_gives_all_of_them() -> None:
    names: dict[str, object] = {}
    exec("from distbench import *", names)
    assert set(PUBLIC) <= set(names)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        distbench.nothing  # noqa: B018
    with pytest.raises(ImportError):
        exec("from distbench import nothing")


@pytest.mark.parametrize("module", OLDER)
def test_older_import_paths_give_the_same_objects(module: str) -> None:
    for name in OLDER[module].split():
        assert getattr(importlib.import_module(module), name) is getattr(distbench, name)


def fresh(program: str) -> str:
    """What a new interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    ).stdout


@pytest.mark.parametrize(
    "first", ["import distbench", "from distbench import *", "import distbench.algorithms.echo, distbench.signing"]
)
def test_an_import_stays_light(first: str) -> None:
    program = f"import sys\n{first}\nprint([name for name in {HEAVY} if name in sys.modules])"
    assert fresh(program) == "[]\n"


def test_a_run_without_signatures_and_files_loads_nothing_heavy() -> None:
    program = (
        "import sys, distbench\n"
        "from distbench.algorithms.chang_roberts import ChangRoberts\n"
        "nodes = {'n1': {'neighbours': ['n2'], 'node_id': 1}, 'n2': {'neighbours': ['n1'], 'node_id': 2}}\n"
        "assert distbench.run(ChangRoberts, nodes).exit_status == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert fresh(program) == "[]\n"


def test_loggers_made_after_the_import_can_trace(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.test_public.made_after")
    with caplog.at_level(5, logger=logger.name):
        logger.trace("seen %d", 3)  # type: ignore[attr-defined]
    (record,) = caplog.records
    assert (record.levelname, record.getMessage(), record.funcName) == (
        "TRACE",
        "seen 3",
        "test_loggers_made_after_the_import_can_trace",
    )
    with caplog.at_level(logging.DEBUG, logger=logger.name):
        logger.trace("not seen")  # type: ignore[attr-defined]
    assert len(caplog.records) == 1


def test_tracing_works_right_after_the_import() -> None:
    program = (
        "import logging, sys, distbench\n"
        "logging.basicConfig(level=1, format='%(levelname)s %(filename)s %(message)s', stream=sys.stdout)\n"
        "logging.getLogger('x').trace('hello %s', 'you')\n"
    )
    assert fresh(program) == "TRACE <string> hello you\n"


def test_the_package_says_that_it_is_typed() -> None:
    assert (files("distbench") / "py.typed").is_file()
