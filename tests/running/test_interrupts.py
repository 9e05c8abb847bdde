"""Signals that ask a run to end: it ends in order, in every mode, and says which it was."""

from __future__ import annotations

import re
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.play import reserved_ports, with_ports
from tests.running.watched import Watched

pytestmark = pytest.mark.slow

SOURCE = """
import asyncio, logging, os, time
from distbench import Algorithm, distbench
logger = logging.getLogger(__name__)

@distbench
class Made(Algorithm):
    async def on_start(self) -> None:
        WHEN
        while OFFLINE:
            pass
        await asyncio.sleep(1000)

    async def on_exit(self) -> None:
        EXIT

    async def report(self):
        return {"reported": True}
"""
SAY = 'os.write(2, b"here\\n")'
SIGNALS: dict[int, str] = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


def program(folder: Path, mode: str, place: str = "WHEN") -> Path:
    """A file with an algorithm that never ends, and says when it is in ``place``."""
    path = folder / "made.py"
    text = SOURCE.replace("OFFLINE", str(mode == "offline")).replace(place, SAY)
    path.write_text(text.replace("WHEN", "pass").replace("EXIT", "pass"))
    return path


@pytest.mark.parametrize("number", SIGNALS)
def test_an_offline_run_shows_what_there_is_and_what_ended_it(tmp_path: Path, number: int) -> None:
    with Watched("-a", program(tmp_path, "offline"), "-c", "complete:2", "--report-dir", tmp_path) as run:
        run.wait_for("here")
        run.interrupt(number)
        assert run.finish() == 130
    assert re.search(rf"^interrupted: {SIGNALS[number]}, at made.py:.*$", run.out, re.M)
    assert run.out.splitlines()[-1].startswith("interrupted: 0.000 s virtual")
    assert "Traceback" not in run.err
    assert (tmp_path / "n1.json").exists()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_local_run_does_so(tmp_path: Path, number: int) -> None:
    with Watched("-a", program(tmp_path, "local"), "-c", "complete:2", "--mode", "local", "--port-base", "0") as run:
        run.wait_for("here", times=2)
        run.interrupt(number)
        assert run.finish() == 130
    assert re.search(rf"^interrupted: {SIGNALS[number]}$", run.out, re.M)
    assert run.out.count("True") == 2


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("whom", ["n1", "n2"])
def test_every_process_of_network_mode_that_hears_of_it_does_so(tmp_path: Path, whom: str, number: int) -> None:
    with reserved_ports(2) as ports, ExitStack() as stack:
        config = tmp_path / "config.yaml"
        config.write_text(str(with_ports({"n1": {}, "n2": {}}, ports)))
        arguments = ("-a", program(tmp_path, "network"), "-c", config, "--mode", "network", "--id")
        runs = {node: stack.enter_context(Watched(*arguments, node)) for node in ("n1", "n2")}
        for run in runs.values():
            run.wait_for("here")
        runs[whom].interrupt(number)
        assert runs[whom].finish() == 130
        if whom == "n1":
            assert runs["n2"].finish() == 130
    for node in ("n1", "n2") if whom == "n1" else ("n2",):
        assert re.search(rf"^interrupted: {SIGNALS[number]}$", runs[node].out, re.M)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
def test_many_seeds_do_so(tmp_path: Path, number: int, jobs: str, group: bool) -> None:
    with Watched("-a", program(tmp_path, "offline"), "-c", "complete:2", "--seeds", "0-9", "--jobs", jobs) as run:
        run.wait_for("here", times=int(jobs))
        if group:
            run.interrupt_group(number)
        else:
            run.interrupt(number)
        assert run.finish() == 130
    name = "interrupted" if number == signal.SIGINT else f"interrupted by {SIGNALS[number]}"
    assert re.fullmatch(rf"{name} while 0(, 1)? ran: ran 0 of 10 seeds .*", run.out.splitlines()[-1])


def test_a_signal_while_nodes_leave_is_told_as_well(tmp_path: Path) -> None:
    source = program(tmp_path, "offline", place="EXIT")
    source.write_text(
        source.read_text().replace("while True", "while False").replace(SAY, f"{SAY}\n        while 1: pass")
    )
    with Watched("-a", source, "-c", "complete:1") as run:
        run.wait_for("here")
        run.interrupt(signal.SIGTERM)
        assert run.finish() == 130
    assert re.search("^interrupted: SIGTERM", run.out, re.M)


def test_under_nohup_a_hangup_is_nothing(tmp_path: Path) -> None:
    source = program(tmp_path, "local")
    source.write_text(source.read_text().replace("await asyncio.sleep(1000)", "await self.terminate()"))
    with Watched("-a", source, "-c", "complete:2", ignores=signal.SIGHUP) as run:
        run.interrupt(signal.SIGHUP)
        assert run.finish() == 0


def test_before_the_run_it_is_one_line(tmp_path: Path) -> None:
    source = program(tmp_path, "offline")
    source.write_text(f"{source.read_text()}\n{SAY}\nwhile True:\n    pass\n")
    with Watched("-a", source, "-c", "complete:2") as run:
        run.wait_for("here")
        run.interrupt(signal.SIGTERM)
        assert run.finish() == 130
    assert run.err.splitlines()[-1] == "distbench: interrupted: SIGTERM"
