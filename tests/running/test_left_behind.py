"""Whatever algorithms start in the real modes, and however a run ends: no process is left behind."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent, indent
from time import monotonic

import pytest

from tests.contract.play import reserved_ports, with_ports
from tests.running.watched import Watched, wait_until_gone

HEAD = """
import asyncio, logging, os, signal, subprocess, sys, time
from distbench import Algorithm, PeerId, distbench, handler
logger = logging.getLogger(__name__)

def fork(work):
    pid = os.fork()
    if pid == 0:
        work()
        while True:
            time.sleep(1000)
    logger.info("left %d", pid)

def fork_twice(work):
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fork(work)
        os._exit(0)
    os.waitpid(pid, 0)

def start(**options):
    started = subprocess.Popen(["sleep", "301"], **options)
    logger.info("left %d", started.pid)

STARTS = {
    "fork": lambda: fork(lambda: None),
    "deaf": lambda: fork(lambda: [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]),
    "popen": start,
    "session": lambda: start(start_new_session=True),
    "twice": lambda: fork_twice(lambda: None),
    "shell": lambda: subprocess.run(
        ["sh", "-c", "sleep 301 & echo left $! >&2; exec setsid sleep 302 & echo left $! >&2"], check=True
    ),
}

@distbench
class Made(Algorithm):
    async def on_start(self) -> None:
        logger.info("pid %d of %d", os.getpid(), os.getppid())
        STARTS["WAY"]()
        await self.end()

"""
ENDS = {
    "completed": "await self.terminate()",
    "crashed": "raise ValueError('no more')",
    "exit": "os._exit(3)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "waits": "await asyncio.sleep(1000)",
}
LEFT = r"left (\d+)"

Start = Callable[..., list[Watched]]
"""Starts a run of two nodes that start something in one way and go on in another."""


@pytest.fixture(params=["local", "network"])
def started(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:
        ports = stack.enter_context(reserved_ports(2))

        def begin(way: str, end: str, *more: str) -> list[Watched]:
            source = tmp_path / "made.py"
            body = dedent(f"async def end(self) -> None:\n    {ENDS[end]}\n")
            source.write_text(HEAD.replace("WAY", way) + indent(body, "    "))
            config = tmp_path / "config.yaml"
            blocks = with_ports({"n1": {}, "n2": {}}, ports) if request.param == "network" else {"n1": {}, "n2": {}}
            config.write_text(str(blocks))
            arguments = ("-a", source, "-c", config, "--mode", request.param, *more)
            if request.param == "local":
                return [stack.enter_context(Watched(*arguments, "--port-base", "0"))]
            return [stack.enter_context(Watched(*arguments, "--id", node)) for node in ("n2", "n1")]

        yield begin


def left_by(runs: list[Watched], each: int) -> list[str]:
    """The processes that the nodes have started."""
    return [pid for run in runs for pid in run.wait_for(LEFT, times=each * 2 // len(runs))]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only Linux knows who descends from whom")
@pytest.mark.parametrize("way", ["fork", "deaf", "popen", "session", "twice", "shell"])
def test_what_an_algorithm_starts_ends_with_the_run(started: Start, way: str) -> None:
    runs = started(way, "completed")
    assert {run.finish() for run in runs} == {0}
    wait_until_gone(left_by(runs, 2 if way == "shell" else 1))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only Linux knows who descends from whom")
@pytest.mark.parametrize("way", ["popen", "twice"])
@pytest.mark.parametrize("end", ["crashed", "exit", "killed"])
def test_it_ends_as_well_where_the_node_does_not_end_well(started: Start, way: str, end: str) -> None:
    runs = started(way, end)
    assert {run.finish() for run in runs} == {1}
    wait_until_gone(left_by(runs, 1))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only Linux knows who descends from whom")
@pytest.mark.parametrize("way", ["fork", "twice"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_it_ends_as_well_where_the_run_is_interrupted(started: Start, way: str, number: int) -> None:
    runs = started(way, "waits")
    left = left_by(runs, 1)
    for run in runs:
        run.interrupt(number)
    wait_until_gone(left)
    assert {run.finish() for run in runs} == {-9 if number == signal.SIGKILL else 130}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_nursery_holds_nobody_up(started: Start, number: int) -> None:
    runs = started("fork", "waits")
    left = left_by(runs, 1)
    nodes = [pid for run in runs for pid in run.wait_for(r"pid (\d+) of", times=2 // len(runs))]
    nurseries = {int(found) for run in runs for found in run.wait_for(r"of (\d+)")}
    for nursery in nurseries:
        os.kill(nursery, signal.SIGSTOP)
    for run in runs:
        run.interrupt(number)
    assert {run.finish() for run in runs} == {-9 if number == signal.SIGKILL else 130}
    wait_until_gone([*left, *nodes, *map(str, nurseries)])


def test_it_does_not_outlast_the_time_limit(started: Start) -> None:
    runs = started("twice", "waits", "--timeout", "3")
    left = left_by(runs, 1)
    for run in runs:
        os.kill(int(run.wait_for(r"of (\d+)")[0]), signal.SIGSTOP)
    assert {run.finish() for run in runs} == {3}
    wait_until_gone(left)


def test_a_terminal_that_stops_the_run_stops_the_nodes_as_well(started: Start) -> None:
    runs = started("fork", "waits")
    left = left_by(runs, 1)
    for run in runs:
        run.interrupt(signal.SIGTSTP)
        os.waitid(os.P_PID, run.process.pid, os.WSTOPPED)
    deadline = monotonic() + 60
    while {state_of(pid) for pid in left} != {"T"}:
        assert monotonic() < deadline
    for run in runs:
        run.interrupt(signal.SIGCONT)
        run.interrupt(signal.SIGINT)
    assert {run.finish() for run in runs} == {130}


def state_of(pid: str) -> str:
    """One letter, as Linux has it."""
    found = re.search(r"\) (\w)", Path(f"/proc/{pid}/stat").read_text())
    assert found is not None
    return found[1]
