"""The start module: one hash seed for every run, one restart at most."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.commandline import ROOT, start

SHOW = """
import sys, distbench_start
print("start", file=sys.stderr, flush=True)
assert not [name for name in sys.modules if name.partition(".")[0] == "distbench"]
distbench_start.pin_hash_seed()
print(sys.flags.hash_randomization, hash("n1"), sys.argv[1:], sys.flags.dev_mode)
"""


@pytest.mark.parametrize("seed, starts", [(None, 2), ("random", 2), ("5", 2), ("0", 1)])
def test_the_hash_seed_is_0_after_one_restart_at_most(seed: str | None, starts: int) -> None:
    finished = start("-c", SHOW, environment={} if seed is None else {"PYTHONHASHSEED": seed})
    assert finished.err.split() == ["start"] * starts
    reference = start("-c", "print(hash('n1'))", environment={"PYTHONHASHSEED": "0"})
    assert finished.out.split()[:2] == ["0", reference.out.strip()]


def test_the_interpreters_options_and_all_arguments_survive_the_restart() -> None:
    finished = start("-X", "dev", "-c", SHOW, "-c", "a b.yaml", "*", "")
    assert finished.out.endswith("['-c', 'a b.yaml', '*', ''] True\n")


def test_an_interpreter_that_ignores_the_environment_says_so_and_does_not_loop() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{SHOW}"
    finished = start("-E", "-c", code)
    assert finished.err.count("start") == 2
    assert "ignore PYTHONHASHSEED" in finished.err


@pytest.mark.parametrize(
    "launch",
    [("-m", "distbench"), ("-c", "from distbench_start import main; main()"), (ROOT / "distbench_start.py",)],
    ids=["module", "script", "file"],
)
def test_every_way_to_start_it_is_the_same(launch: tuple[str | Path, ...], tmp_path: Path) -> None:
    finished = start(*launch, "--version", cwd=tmp_path)
    assert finished.status == 0
    assert finished.out.startswith("distbench 0.")
    assert start(*launch, "--mode", "ofline", cwd=tmp_path).status == 2


def test_the_restart_is_the_same_process_of_the_same_interpreter() -> None:
    code = SHOW.replace('"start"', "os.getpid(), sys.executable").replace("import sys", "import os, sys")
    before, after = start("-c", code).err.splitlines()
    assert before == after


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")
@pytest.mark.parametrize("moment", ["interrupt()", "atexit.register(interrupt)"], ids=["start", "end"])
def test_ctrl_c_while_python_starts_or_ends_is_no_traceback(tmp_path: Path, moment: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os, signal\n"
        "def interrupt(): os.kill(os.getpid(), signal.SIGINT)\n"
        f"if os.environ.get('PYTHONHASHSEED') == '0': {moment}\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    finished = start("-m", "distbench", "--version", environment={"PYTHONPATH": path})
    assert finished.status in (130, -signal.SIGINT)  # which a shell calls 130 as well
    assert finished.err == ""
