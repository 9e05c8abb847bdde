"""``--seeds`` on the command line."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commandline import ROOT, CommandLine, start
from tests.running.watched import Watched, wait_until_gone

DICE = """
import asyncio, contextvars, logging, os, pathlib
from distbench import Algorithm, config_field, distbench

logger = logging.getLogger(__name__)

@distbench
class Dice(Algorithm):
    initiator: bool = config_field(default=False)
    bad: int = config_field(default=0)
    busy: str = config_field(default="")

    async def on_start(self):
        self.rolled = self.choice(range(6)) + 1
        logger.info("rolled")
        print("printed")
        if self.busy and self.rolled == 6:
            pid = contextvars.Context().run(os.getpid)  # not the node's
            pathlib.Path(self.busy, str(pid)).touch()
            while True:
                pass
        await self.terminate()

    async def report(self):
        return {"rolled": self.rolled}

def check(result):
    for node, dice in result.algorithms.items():
        assert dice.rolled != dice.bad, f"{node} rolled {dice.rolled}"
"""
LAST = re.compile(r"(.*): ran ([\d,]+)( of [\d,]+)? seeds? \((.*)\), [\d.]+ s wall, [\d,]+ runs/s in \d+ process(es)?")


@pytest.fixture
def dice(tmp_path: Path) -> Path:
    """A file with an algorithm that fails where a node rolls a ``bad`` number."""
    path = tmp_path / "dice.py"
    path.write_text(DICE)
    return path


def test_seeds_that_pass_end_with_one_summary(distbench: CommandLine, dice: Path) -> None:
    finished = distbench("-c", "ring:2", "-a", dice, "--seeds", "0-99")
    assert finished.status == 0
    assert finished.err == "distbench: n1.initiator=true: a generator's first node starts; change it with --set\n"
    lines = finished.out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["a", "virtual", "messages", "wall"]
    found = LAST.fullmatch(lines[-1])
    assert found is not None
    assert found.groups()[:4] == ("passed", "100", None, "100 completed")


def test_rings_shuffled_by_each_seed_elect_their_leaders(distbench: CommandLine) -> None:
    arguments = ("-c", "ring:16", "-a", "chang_roberts", "--assign", "node_id=shuffled", "--seeds", "0-49")
    finished = distbench(*arguments)
    assert finished.status == 0
    least, median, most = re.findall(r"\d+", next(line for line in finished.out.splitlines() if "messages" in line))
    assert int(least) < int(median) < int(most)


def test_the_first_failing_seed_is_shown_with_the_command_that_replays_it(distbench: CommandLine, dice: Path) -> None:
    options = ("--set", "*.bad=6", "-l", "10-50", "--link-room", "none", "--max-events", "500")
    finished = distbench("-c", "ring:2", "-a", dice, "--seeds", "0-999", *options)
    assert finished.status == 1
    lines = finished.out.splitlines()
    found = re.fullmatch(r"seed (\d+) failed:", lines[5])
    assert found is not None
    assert re.fullmatch(r"    the check failed: n[12] rolled 6 \(dice.py:\d+\)", lines[6])
    assert lines[7] == "replay it with"
    words = shlex.split(lines[8])
    assert words == ["distbench", "-c", "ring:2", "-a", str(dice), *options, "--fail-fast", "--seed", found[1]]
    last = LAST.fullmatch(lines[-1])
    assert last is not None
    assert last[1] == f"failed at seed {found[1]}"
    assert last[2] == str(int(found[1]) + 1)
    replayed = distbench(*words[1:])
    assert replayed.status == 1
    assert lines[6].strip() in replayed.out
    assert "completed, but the check failed: " in replayed.out


@pytest.mark.parametrize("ending", ["import sys; sys.exit(0)", "import pytest; pytest.fail('no')"])
def test_a_check_that_ends_with_an_exit_fails_with_its_seed_and_replay(
    distbench: CommandLine, dice: Path, ending: str
) -> None:
    dice.write_text(DICE + f"        if dice.rolled == 6:\n            {ending}\n")
    finished = distbench("-c", "ring:1", "-a", dice, "--seeds", "0-99")
    assert (finished.status, "Traceback" in finished.err) == (1, False)
    (seed,) = re.findall(r"^seed (\d+) failed:\n    the check failed: it raised ", finished.out, re.M)
    (command,) = [line.strip() for line in finished.out.splitlines() if "--seed " in line]
    assert command.endswith(f"--seed {seed}")
    assert distbench(*shlex.split(command)[1:]).status == 1


def test_a_replayed_command_is_quoted_for_the_shell(distbench: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "my dice.py"
    path.write_text(DICE)
    finished = distbench("-c", "ring:2", "-a", path, "--set", "*.bad=6", "--seeds", "0-999")
    (command,) = [line for line in finished.out.splitlines() if "--seed " in line]
    assert f"'{path}'" in command
    assert "'*.bad=6'" in command


def test_all_failing_seeds_are_collected_with_keep_going(distbench: CommandLine, dice: Path) -> None:
    finished = distbench("-c", "ring:1", "-a", dice, "--seeds", "0-59", "--set", "n1.bad=6", "--keep-going", "-qq")
    assert finished.status == 1
    failed = re.findall(r"^seed (\d+) failed:", finished.out, re.M)
    more = re.search(r"^and (\d+) more failed: \d+, ", finished.out, re.M)
    assert more is not None
    assert "a run's" not in finished.out
    assert f"{len(failed) + int(more[1])} seeds failed: ran 60 seeds" in finished.out.splitlines()[-1]


def test_many_seeds_are_one_json_document(distbench: CommandLine, dice: Path) -> None:
    arguments = ("-c", "ring:1", "-a", dice, "--seeds", "0-59", "--set", "n1.bad=6", "--json", "--digest")
    finished = distbench(*arguments)
    document = json.loads(finished.out)
    assert (document["kind"], document["exit_status"], document["asked"]) == ("seeds", 1, 60)
    assert document["failure"]["check_error"].startswith("n1 rolled 6")
    seed = document["failure"]["seed"]
    assert document["runs"][-1]["seed"] == seed
    assert document["command"].endswith(f"--set n1.bad=6 --fail-fast --seed {seed}")
    one = json.loads(distbench(*shlex.split(document["command"])[1:], "--json", "--digest").out)
    assert one["digest"] == document["runs"][-1]["digest"]
    assert one["command"] == document["command"]


def test_report_files_get_a_line_for_each_seed(distbench: CommandLine, dice: Path, tmp_path: Path) -> None:
    arguments = ("-c", "ring:2", "-a", dice, "--seeds", "3,10-19", "--report-dir", tmp_path / "reports")
    assert distbench(*arguments).status == 0
    for node in ("n1", "n2"):
        lines = [json.loads(line) for line in (tmp_path / "reports" / f"{node}.json").read_text().splitlines()]
        assert [line["seed"] for line in lines] == [3, *range(10, 20)]
        assert all(1 <= line["details"]["rolled"] <= 6 for line in lines)


def test_options_without_effect_are_named(distbench: CommandLine, dice: Path, tmp_path: Path) -> None:
    many = distbench("-c", "ring:1", "-a", dice, "--seeds", "0-2", "-v", "--log-dir", tmp_path / "logs")
    assert "-v has no effect with --seeds; replay one seed to see its logs" in many.err
    assert "--log-dir has no effect with --seeds" in many.err
    assert not (tmp_path / "logs").exists()
    digest = distbench("-c", "ring:1", "-a", dice, "--seeds", "0-2", "--digest")
    assert "--digest shows the digests of --seeds with --json only" in digest.err
    assert "--jobs has no effect without --seeds" in distbench("-c", "ring:1", "-a", dice, "--jobs", "2").err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_nothing_is_logged_or_printed_by_the_runs(distbench: CommandLine, dice: Path, jobs: str) -> None:
    config = ("-c", "ring:1", "-a", dice, "--set", "*.initiator=false", "--seeds", "0-9", "--jobs", jobs)
    finished = distbench(*config, "--json")
    assert json.loads(finished.out)["asked"] == 10
    assert "rolled" not in finished.err
    assert finished.err == ("printed\n" * 10 if jobs == "1" else "")


@pytest.mark.skipif(sys.platform != "linux", reason="sees children by /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_prints_what_was_found_and_no_process_outlives_the_first(
    dice: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    busy = tmp_path / "busy"
    busy.mkdir()
    seeds = ("--seeds", "0-999", "--jobs", "2")
    with Watched("-c", "ring:1", "-a", dice, "--set", f"n1.busy={busy}", *seeds) as run:
        while len(pids := [int(path.name) for path in busy.iterdir()]) < 2:
            assert run.process.poll() is None
        if ending is signal.SIGINT:
            run.type_ctrl_c()
        else:
            run.interrupt(ending)
        status = run.finish()
    assert "Traceback" not in run.err
    if ending is signal.SIGINT:
        assert status == 130
        last = LAST.fullmatch(run.out.splitlines()[-1])
        assert last is not None
        assert re.fullmatch(r"interrupted while \d+, \d+ ran", last[1])
    wait_until_gone(pids)


def test_a_closed_pipe_is_no_traceback(dice: Path) -> None:
    command = f"{sys.executable} -m distbench -c ring:1 -a {shlex.quote(str(dice))} --seeds 0-9 --json | true"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr


def test_the_replay_command_says_how_distbench_was_started(dice: Path) -> None:
    arguments = ("-c", "ring:1", "-a", dice, "--set", "n1.bad=6", "--seeds", "0-99", "-q")
    plain = start("-m", "distbench", *arguments, environment={"UV_RUN_RECURSION_DEPTH": ""})
    assert "    uv run python -m distbench -c ring:1 " in plain.out
