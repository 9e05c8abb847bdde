"""Runs through the command line: what stdout and stderr get, and the exit status."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.commandline import ROOT, CommandLine, start
from tests.running.watched import Watched

ECHO = ("-c", ROOT / "configs" / "echo.yaml", "-a", "echo")
LAST = re.compile(r"(\w+)(, .*)?: [\d.,]+ s virtual, [\d.,]+ s wall, [\d,]+ messages?, [\d,]+ messages/s")
HEAD = """
import asyncio, logging
from distbench import Algorithm, PeerId, child_algorithm, config_field, distbench, handler, message
logger = logging.getLogger(__name__)
"""


def program(folder: Path, body: str) -> Path:
    """A file with one algorithm whose methods are ``body``."""
    path = folder / "made.py"
    path.write_text(
        f"{HEAD}\n@distbench\nclass Made(Algorithm):\n    start_node: bool = config_field(default=False)\n{body}"
    )
    return path


def run(distbench: CommandLine, folder: Path, body: str, *options: str) -> tuple[int, str]:
    """Exit status and summary of an algorithm with the methods ``body`` on two nodes, n1 the start node."""
    config = folder / "two.yaml"
    config.write_text("n1: {start_node: true}\nn2: {}\n")
    finished = distbench("-c", config, "-a", program(folder, body), *options)
    return finished.status, finished.out


def test_a_run_prints_a_table_and_last_its_outcome_and_rate(distbench: CommandLine) -> None:
    finished = distbench(*ECHO)
    assert finished.status == 0
    lines = finished.out.splitlines()
    assert lines[1].split()[:6] == ["node", "end", "in", "out", "in", "out"]
    assert [line.split()[:2] for line in lines[2:5]] == [[f"n{n}", "terminated"] for n in (1, 2, 3)]
    found = LAST.fullmatch(lines[-1])
    assert found is not None
    assert found[1] == "completed"


def test_run_is_the_default_command(distbench: CommandLine) -> None:
    assert distbench("run", *ECHO).out.splitlines()[:-1] == distbench(*ECHO).out.splitlines()[:-1]


def test_logs_go_to_stderr_with_virtual_time_and_node(distbench: CommandLine) -> None:
    lines = distbench(*ECHO).err.splitlines()
    assert lines
    for line in lines:
        assert re.match(r" +\d\.\d{6} n[123] +INFO +\S", line)


def test_each_v_shows_more(distbench: CommandLine, tmp_path: Path) -> None:
    body = """
    async def on_start(self) -> None:
        logger.debug("a debug line")
        logger.trace("a trace line")
        await self.terminate()
"""
    errors = [
        distbench("-c", "complete:2", "-a", program(tmp_path, body), *options).err for options in ([], ["-v"], ["-vv"])
    ]
    assert ["debug line" in err for err in errors] == [False, True, True]
    assert ["trace line" in err for err in errors] == [False, False, True]


def test_bincode_means_msgpack_and_says_so(distbench: CommandLine) -> None:
    old = distbench(*ECHO, "-f", "bincode")
    assert "distbench: the format 'bincode' is an old name for 'msgpack', which is used\n" in old.err
    assert old.out.splitlines()[:-1] == distbench(*ECHO, "-f", "msgpack").out.splitlines()[:-1]
    assert old.out.splitlines()[:-1] != distbench(*ECHO).out.splitlines()[:-1]


def test_an_option_of_another_mode_is_named(distbench: CommandLine) -> None:
    finished = distbench(*ECHO, "--port-base", "9000")
    assert finished.status == 0
    assert "--port-base has no effect in offline mode, only in local and network mode" in finished.err
    assert "--latency" not in finished.err
    refused = distbench(*ECHO, "--mode", "network", "--link-room", "2")
    assert "--link-room has no effect in network mode, only in offline mode" in refused.err


@pytest.mark.parametrize(
    "options, room",
    [((), None), (("--seed", "1"), 8), (("--seed", "1", "--link-room", "none"), None), (("--link-room", "3"), 3)],
)
def test_the_room_of_links_is_drawn_or_given(
    distbench: CommandLine, options: tuple[str, ...], room: int | None
) -> None:
    assert json.loads(distbench(*ECHO, *options, "--json").out)["link_room"] == room


def test_the_digest_is_of_the_seed_and_nothing_else(distbench: CommandLine) -> None:
    def digest(*options: str) -> str:
        found = re.search(r"^digest ([0-9a-f]{64}) \(seed \d", distbench(*ECHO, "--digest", *options).out, re.M)
        assert found
        return found[1]

    assert digest() == digest("--seed", "0", "-vvv")
    assert digest() != digest("--seed", "1")


@pytest.mark.slow  # as test_same_run does with fewer processes
def test_one_seed_gives_one_digest_under_every_hash_seed(tmp_path: Path) -> None:
    body = """
    async def on_start(self) -> None:
        for word in {"one", "two", "three", "four", "five"}:
            for peer in self.peers.values():
                await peer.hear(word)

    @handler
    async def hear(self, src: PeerId, word: str) -> None:
        await asyncio.sleep(self.random.random())
"""
    path = program(tmp_path, body)
    outputs = {
        re.sub(
            r"[\d.,]+ s wall.*",
            "",
            start(
                "-m", "distbench", "-c", "complete:3", "-a", path, "--digest", environment={"PYTHONHASHSEED": seed}
            ).out,
        )
        for seed in ("random", "1", "2", "0")
    }
    assert len(outputs) == 1
    assert "digest" in outputs.pop()


def test_report_files_get_a_line_a_run(distbench: CommandLine, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        assert distbench(*ECHO, "--report-dir", tmp_path / "reports", "--seed", seed).status == 0
    for node in ("n1", "n2", "n3"):
        lines = [json.loads(line) for line in (tmp_path / "reports" / f"{node}.json").read_text().splitlines()]
        assert [line["seed"] for line in lines] == [1, 2]
        assert all(line["algorithm"] == "Echo" and line["end"] == "terminated" for line in lines)
    line = json.loads((tmp_path / "reports" / "n2.json").read_text().splitlines()[0])
    assert line["bytes_received"] > sum(line["messages_received"].values()) > 0


def test_a_quiescent_run_names_who_never_terminated_and_is_fine(distbench: CommandLine, tmp_path: Path) -> None:
    body = """
    async def on_start(self) -> None:
        if self.start_node:
            await self.terminate()
"""
    status, out = run(distbench, tmp_path, body)
    assert status == 0
    assert "never terminated: n2" in out
    assert out.splitlines()[-1].startswith("quiescent: ")
    assert out.endswith("no message was sent\n")


def test_a_stuck_run_names_what_waits_with_file_and_line(distbench: CommandLine, tmp_path: Path) -> None:
    body = """
    async def on_start(self) -> None:
        if self.start_node:
            await asyncio.Event().wait()
"""
    status, out = run(distbench, tmp_path, body)
    assert status == 1
    assert re.search(r"n1: on_start waits at made\.py:\d+ for .*Event\(\)\.wait\(\)", out)
    assert out.splitlines()[-1].startswith("stuck: ")


def test_a_failed_handler_shows_node_message_time_and_only_its_own_frames(
    distbench: CommandLine, tmp_path: Path
) -> None:
    body = """
    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.hear("boo")

    @handler
    async def hear(self, src: PeerId, word: str) -> None:
        raise ValueError(f"I do not like {word}")
"""
    status, out = run(distbench, tmp_path, body)
    assert status == 1
    assert re.search(r"n1 failed in hear at 0\.00\d+ s: ValueError: I do not like boo", out)
    assert "message: 'boo'" in out
    assert "made.py" in out
    assert "distbench/node" not in out
    assert re.search(r"^n1 +failed", out, re.M)
    assert "2 nodes failed" in out.splitlines()[-1]


def test_a_node_that_crashes_in_on_start_fails_the_run(distbench: CommandLine, tmp_path: Path) -> None:
    body = """
    async def on_start(self) -> None:
        if self.start_node:
            raise RuntimeError("no")
        await self.terminate()
"""
    status, out = run(distbench, tmp_path, body)
    assert status == 1
    assert re.search(r"^n1 +crashed", out, re.M)
    assert "n1 failed in on_start at 0.000000 s: RuntimeError: no" in out


ENDLESS = """
    async def on_start(self) -> None:
        while True:
            await asyncio.sleep(1)
"""


def test_a_timeout_names_its_limit(distbench: CommandLine, tmp_path: Path) -> None:
    status, out = run(distbench, tmp_path, ENDLESS, "-t", "5")
    assert status == 3
    assert "timeout: the time limit (--timeout) was reached" in out
    assert out.splitlines()[-1].startswith("timeout: 5.000 s virtual")


def test_a_flood_is_ended_by_max_events(distbench: CommandLine, tmp_path: Path) -> None:
    status, out = run(distbench, tmp_path, ENDLESS, "--max-events", "100")
    assert status == 3
    assert "100 events (--max-events) were reached" in out


def test_a_duration_ends_an_endless_run_as_completed(distbench: CommandLine, tmp_path: Path) -> None:
    status, out = run(distbench, tmp_path, ENDLESS, "--duration", "5")
    assert status == 0
    assert out.splitlines()[-1].startswith("completed: 5.000 s virtual")


def test_the_startup_delay_is_in_milliseconds_and_before_all_time(distbench: CommandLine, tmp_path: Path) -> None:
    body = """
    async def on_start(self) -> None:
        await self.terminate()
"""
    for mode in ("offline", "local"):
        options = ("--startup-delay", "250", "--mode", mode, "--port-base", "0", "--json")
        document = json.loads(run(distbench, tmp_path, body, *options)[1])
        if mode == "offline":
            assert document["virtual_time"] == 0
        else:
            assert document["wall_time"] - document["virtual_time"] > 0.25


def test_childrens_reports_have_columns_of_their_own(distbench: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "layers.py"
    path.write_text(f"""{HEAD}
@distbench
class Lower(Algorithm):
    async def report(self) -> dict[str, object]:
        return {{"received": 3}}

@distbench
class Upper(Algorithm):
    broadcast: Lower = child_algorithm(Lower)

    async def on_start(self) -> None:
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {{"seen": 1}}
""")
    head = distbench("-c", "complete:2", "-a", path).out.splitlines()[1]
    assert head.split()[6:] == ["seen", "broadcast.received"]


def test_thousands_of_nodes_print_few_lines(distbench: CommandLine, tmp_path: Path) -> None:
    body = """
    async def on_start(self) -> None:
        await self.terminate()
"""
    out = distbench("-c", "ring:3000", "-a", program(tmp_path, body)).out
    assert len(out.splitlines()) < 60
    assert "all 3,000" in out


def test_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m distbench -c ring:30 -a chang_roberts | true"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_closed_logs_end_no_run() -> None:
    command = f"{sys.executable} -m distbench -c ring:30 -a chang_roberts 2>&1 >/dev/null | true"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.stdout, done.stderr) == (b"0\n", b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "distbench", "-c", "complete:2", "-a", "echo"]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "cannot write to stdout: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("step", ["await asyncio.sleep(1e-6)", "pass"], ids=["waiting", "computing"])
def test_ctrl_c_prints_the_partial_table_and_ends_with_130(tmp_path: Path, step: str) -> None:
    body = f"""
    async def on_start(self) -> None:
        logger.info("up")
        while True:
            {step}
"""
    with Watched("-c", "complete:2", "-a", program(tmp_path, body)) as run:
        run.wait_for("up")
        run.interrupt()
        assert run.finish() == 130
    assert "n1" in run.out
    assert run.out.splitlines()[-1].startswith("interrupted: ")
    assert "Traceback" not in run.err
    if step == "pass":
        assert re.search(r"^interrupted: Ctrl-C, at made.py:\d+: (while True:|pass|logger.info.*)$", run.out, re.M)


def test_ctrl_c_says_nothing_of_coroutines_that_it_kept_from_being_awaited(tmp_path: Path) -> None:
    body = """
    async def on_start(self) -> None:
        self.kept = [self.on_exit()]
        waiting = self.on_exit()
        raise KeyboardInterrupt  # as if it came before the next line, which would have awaited it
"""
    finished = start("-m", "distbench", "-c", "complete:2", "-a", program(tmp_path, body))
    assert finished.status == 130
    assert "never awaited" not in finished.err
    assert "Traceback" not in finished.err
    assert finished.out.splitlines()[-1].startswith("interrupted: ")


def test_a_stream_that_cannot_encode_a_name_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text("節一: {start_node: true}\n節二: {}\n", encoding="utf-8")
    finished = start(
        *("-m", "distbench", "-c", tmp_path / "names.yaml", "-a", "echo"), environment={"PYTHONIOENCODING": "ascii"}
    )
    assert finished.status == 0
    assert "Traceback" not in finished.err
    assert finished.out.splitlines()[-1].startswith("completed: ")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a person would see, stdout and stderr together."""
    ours, theirs = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(ours, 65536):
                seen.append(chunk)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    command = [sys.executable, "-m", "distbench", *arguments]
    subprocess.run(
        command, cwd=ROOT, env={**inherited, "TERM": "xterm", **environment}, stdout=theirs, stderr=theirs, check=False
    )
    os.close(theirs)
    reader.join()
    os.close(ours)
    return b"".join(seen).decode()


def test_a_terminal_gets_colours_unless_no_color_is_set() -> None:
    arguments = ("-c", "configs/echo.yaml", "-a", "echo")
    coloured = on_a_terminal(*arguments)
    assert "\x1b[32mterminated\x1b[0m" in coloured
    assert "\x1b[38;5;" in coloured
    assert "\x1b" not in on_a_terminal(*arguments, NO_COLOR="1")
    assert "\x1b" not in start("-m", "distbench", *arguments).out


def test_the_table_fits_a_narrow_terminal() -> None:
    text = on_a_terminal("-c", "configs/echo.yaml", "-a", "echo", NO_COLOR="1", COLUMNS="60")
    table = text.partition("messages ")[2].partition("completed")[0].splitlines()[1:]
    assert table
    assert max(map(len, table)) <= 60
