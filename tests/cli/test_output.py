"""What a run shows to people and to programs, beyond the table."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commandline import ROOT, CommandLine, start
from tests.cli.test_run import on_a_terminal

ECHO = ("-c", ROOT / "configs" / "echo.yaml", "-a", "echo")
FAILING = """
from distbench import Algorithm, PeerId, config_field, distbench, handler

@distbench
class Failing(Algorithm):
    start_node: bool = config_field(default=False)

    async def on_start(self):
        print("from an algorithm")
        if self.start_node:
            for peer in self.peers.values():
                await peer.hear("boo")

    @handler
    async def hear(self, src: PeerId, word: str) -> None:
        raise ValueError(f"I do not like {word}")
"""


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """A file with an algorithm whose handler fails."""
    path = tmp_path / "failing.py"
    path.write_text(FAILING)
    return path


def test_a_run_is_one_json_document(distbench: CommandLine) -> None:
    finished = distbench(*ECHO, "--json", "--seed", "3", "-f", "msgpack", "--digest")
    assert finished.status == 0
    document = json.loads(finished.out)
    assert (document["kind"], document["seed"], document["outcome"]) == ("run", 3, "completed")
    assert document["command"] == f"distbench -c {ECHO[1]} -a echo -f msgpack --seed 3"
    assert document["nodes"]["n1"]["report"]["reached"] == 2
    assert "INFO" in finished.err
    again = json.loads(distbench(*document["command"].split()[1:], "--json", "--digest").out)
    assert again["digest"] == document["digest"]


def test_what_algorithms_print_does_not_spoil_the_document(distbench: CommandLine, failing: Path) -> None:
    finished = distbench("-c", "complete:2", "-a", failing, "--json")
    assert finished.status == 1
    document = json.loads(finished.out)
    assert document["failures"][0]["exception"] == "ValueError: I do not like boo"
    assert finished.err.count("from an algorithm") == 2


def test_quiet_shows_no_logs_and_twice_quiet_no_table(distbench: CommandLine) -> None:
    quiet = distbench(*ECHO, "-q")
    assert (quiet.status, quiet.err) == (0, "")
    assert "reached" in quiet.out
    quieter = distbench(*ECHO, "-qq")
    assert quieter.err == ""
    assert len(quieter.out.splitlines()) == 1
    assert quieter.out.startswith("completed: ")


def test_quiet_still_warns_of_a_field_that_does_not_exist(distbench: CommandLine, tmp_path: Path) -> None:
    config = tmp_path / "odd.yaml"
    config.write_text("n1: {start_nod: true}\nn2: {}\n")
    assert "did you mean 'start_node'?" in distbench("-c", config, "-a", "echo", "-q").err


def test_a_random_seed_is_printed_and_gives_the_run_again(distbench: CommandLine) -> None:
    finished = distbench(*ECHO, "--seed", "random", "-q", "--digest")
    found = re.fullmatch(r"distbench: seed (\d+)\n", finished.err)
    assert found is not None
    again = distbench(*ECHO, "--seed", found[1], "-q", "--digest")
    assert again.out.splitlines()[:-1] == finished.out.splitlines()[:-1]
    other = distbench(*ECHO, "--seed", "random", "-q")
    assert other.err != finished.err


def test_each_node_has_a_log_of_its_own_beside_the_merged_stream(distbench: CommandLine, tmp_path: Path) -> None:
    finished = distbench(*ECHO, "--log-dir", tmp_path / "logs", "-v")
    lines = []
    for node in ("n1", "n2", "n3"):
        own = (tmp_path / "logs" / f"{node}.log").read_text().splitlines()
        assert own
        assert all(line.split()[1] == node for line in own)
        lines += own
    assert sorted(lines) == sorted(finished.err.splitlines())


def test_log_files_get_what_quiet_hides(distbench: CommandLine, tmp_path: Path) -> None:
    assert distbench(*ECHO, "--log-dir", tmp_path, "-qq").err == ""
    assert "The echo is back" in (tmp_path / "n1.log").read_text()


def test_files_are_written_even_where_stdout_cannot_be(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    arguments = [*map(str, ECHO), "--report-dir", str(tmp_path)]
    main = f"from distbench.cli import main; sys.exit(main({arguments!r}))"
    run = f"import sys; sys.stdout = open('/dev/full', 'w'); {main}"
    finished = start("-c", run)
    assert finished.status == 2
    assert "cannot write to stdout" in finished.err
    assert (tmp_path / "n1.json").read_text().count("\n") == 1


def test_on_a_terminal_a_traceback_is_shown_once(failing: Path) -> None:
    seen = on_a_terminal("-c", "complete:2", "-a", str(failing), NO_COLOR="1")
    assert seen.count("Traceback") == 1
    assert seen.index("ERROR   hear failed on 'boo' from n1") < seen.index("Traceback")
    assert re.search(r"^n2 failed in hear on 'boo' from n1 at 0.00\d+ s: ValueError: I do not like boo\r$", seen, re.M)


ENDLESS = """
from distbench import Algorithm, distbench

@distbench
class Endless(Algorithm):
    async def on_start(self):
        while self.id() == "n1":
            pass
        await self.terminate()
"""


TALKS = """
import asyncio, logging
from distbench import Algorithm, distbench

@distbench
class Talks(Algorithm):
    async def on_start(self):
        for _ in range(12):
            await asyncio.sleep(0.11)
            logging.getLogger(__name__).info("logs")
            print(self.id(), end=" ")
            print("prints in pieces")
        await self.terminate()
"""


@pytest.mark.parametrize(
    "options, line",
    [
        pytest.param(["-c", "ring:1"], b"0 of 1 nodes done", marks=pytest.mark.slow),  # a second, as for the others
        (["-c", "ring:1", "-q"], b"0 of 1 nodes done"),
        pytest.param(["-c", "ring:1", "--seeds", "0-9", "-q"], b"0 of 10 seeds", marks=pytest.mark.slow),
        (["-c", "ring:2", "--mode", "local", "--port-base", "0"], b" s, 0 messages, 0 messages/s, 1 of 2 nodes done"),
    ],
    ids=["logs", "quiet", "many quiet", "local"],
)
def test_a_terminal_shows_how_far_a_run_is_with_logs_or_without(
    tmp_path: Path, options: list[str], line: bytes
) -> None:
    path = tmp_path / "endless.py"
    path.write_text(ENDLESS)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "distbench", "-a", str(path), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        try:
            seen = b""
            while line not in seen:
                assert select.select([ours], [], [], 60)[0], f"nothing more came: {seen!r}"
                seen += os.read(ours, 65536)  # OSError where it ended without that line
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            os.close(ours)


@pytest.mark.slow  # until there is a line
def test_in_local_mode_the_live_line_gives_way_to_what_nodes_log_and_print(tmp_path: Path) -> None:
    path = tmp_path / "talks.py"
    path.write_text(TALKS)
    seen = on_a_terminal("-c", "ring:2", "-a", str(path), "--mode", "local", "--port-base", "0", NO_COLOR="1")
    assert "of 2 nodes done" in seen
    shown = [line.rpartition("\x1b[2K")[2] for line in seen.splitlines()]
    for node in ("n1", "n2"):
        assert shown.count(f"{node} prints in pieces") == 12
        assert sum(bool(re.fullmatch(rf" +\d+\.\d+ {node} +INFO +logs", line)) for line in shown) == 12


def test_with_quiet_the_summary_has_the_traceback(failing: Path) -> None:
    seen = on_a_terminal("-c", "complete:2", "-a", str(failing), "-q", NO_COLOR="1")
    assert "ERROR" not in seen
    assert seen.count("Traceback") == 1


def test_a_summary_that_goes_elsewhere_than_the_logs_has_the_traceback(failing: Path) -> None:
    finished = start("-m", "distbench", "-c", "complete:2", "-a", failing)
    assert finished.out.count("Traceback") == 1
    assert finished.err.count("Traceback") == 1


def test_a_failing_check_is_told_and_fails_the_run(distbench: CommandLine, failing: Path) -> None:
    failing.write_text(
        FAILING.replace("raise ValueError", "self.word = str")
        + "\ndef check(result):\n    assert len(result.nodes) == 3\n"
    )
    finished = distbench("-c", "complete:2", "-a", failing)
    assert finished.status == 1
    assert "the check failed: assert len(result.nodes) == 3 (failing.py:" in finished.out
    assert finished.out.splitlines()[-1].startswith("quiescent, but the check failed: ")
    assert distbench("-c", "complete:2", "-a", failing, "--no-check").status == 0


def test_a_generator_says_which_node_it_starts(distbench: CommandLine) -> None:
    starts = "distbench: n1.start_node=true: a generator's first node starts; change it with --set\n"
    loud: list[tuple[str, ...]] = [(), ("-v",), ("-vvv",), ("--json",), ("--seeds", "0-2")]
    for how in loud:
        told = distbench("-c", "ring:3,both", "-a", "echo", *how).err
        assert told.count("n1.start_node=true") == 1
        assert starts in told
    quiet: list[tuple[str, ...]] = [("-q",), ("-qq",), ("-q", "--seeds", "0-2")]
    for how in quiet:
        assert distbench("-c", "ring:3,both", "-a", "echo", *how).err == ""
    chosen = distbench("-c", "ring:3,both", "-a", "echo", "--set", "n2.start_node=true")
    assert "a generator's first node" not in chosen.err
    assert chosen.status == 0
    assert distbench("-c", "ring:3", "-a", "chang_roberts", "-q").err == ""  # there all nodes start by default
    assert "no message was sent" in distbench("-c", "ring:3", "-a", "echo", "--set", "*.start_node=false").out


SLEEPS = """
import asyncio
from distbench import Algorithm, PeerId, distbench, handler

async def pause():
    await asyncio.sleep(10)

@distbench
class Sleeps(Algorithm):
    async def on_start(self):
        for work in (self.beat(), self.wait()):
            self.tasks = (*getattr(self, "tasks", ()), asyncio.create_task(work))
        for peer in self.peers.values():
            await peer.ask("?")
        await asyncio.sleep(0.1)
        await self.terminate()

    async def beat(self):
        while True:
            await pause()

    async def wait(self):
        await asyncio.Event().wait()

    @handler
    async def ask(self, src: PeerId, msg: str):
        await asyncio.sleep(100)
"""


def test_what_sleeps_when_a_run_completes_is_listed_with_v_only(distbench: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "sleeps.py"
    path.write_text(SLEEPS)
    command = ("-c", "complete:2", "-a", path)
    short, long = distbench(*command).out, distbench(*command, "-v").out
    assert "completed: " in short
    for shown, times in ((short, 0), (long, 1)):
        assert shown.count("background task Sleeps.beat waits at sleeps.py:6") == times
        assert shown.count("ask waits at sleeps.py") == times
        assert shown.count("background task Sleeps.wait waits at sleeps.py") == 1
    suspended = json.loads(distbench(*command, "--json").out)["suspended"]
    assert {(one["name"], one["sleeping"]) for one in suspended} == {
        ("Sleeps.beat", True),
        ("Sleeps.wait", False),
        ("ask", True),
    }
    assert "Sleeps.beat" in distbench(*command, "-t", "0.05").out  # there it may be why


REPEATING = """
from distbench import Algorithm, PeerId, config_field, distbench, handler

@distbench
class Repeating(Algorithm):
    initiator: bool = config_field(default=False)

    async def on_start(self):
        if self.initiator:
            for peer in self.peers.values():
                for _ in range(300):
                    await peer.hear("x")
            for peer in self.peers.values():
                await peer.end(None)
            await self.terminate()

    @handler
    async def hear(self, src: PeerId, msg: str) -> None:
        raise ValueError("always")

    @handler
    async def end(self, src: PeerId, msg: None) -> None:
        await self.terminate()
"""


@pytest.mark.parametrize("mode", ["offline", "local"])
def test_the_live_log_of_every_process_folds_repeats_and_log_files_keep_them(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "repeating.py"
    path.write_text(REPEATING)
    ports = ("--port-base", "0") if mode == "local" else ()
    folder = tmp_path / "logs"
    command = ("-m", "distbench", "-c", "complete:3", "-a", path, "--mode", mode, *ports, "--log-dir", folder)
    finished = start(*command)
    assert finished.status == 1
    shown, left = (2, "299 repeats") if mode == "local" else (1, "599 repeats")
    assert finished.err.count("hear failed") == shown
    assert finished.err.count(f"left out {left} of failures and warnings above; -v shows each") == shown
    assert "299 more" not in finished.out
    for node in ("n2", "n3"):
        assert (folder / f"{node}.log").read_text().count("hear failed") == 300
    assert start(*command, "-v").err.count("hear failed") == 600
