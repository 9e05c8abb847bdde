"""Network mode: a supervisor and a node's process for each node, here all on the loopback interface."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.contract.play import reserved_ports, with_ports
from tests.running.watched import Watched, wait_until_gone

HEAD = """
import asyncio, logging, os, signal, time
from distbench import Algorithm, PeerDown, PeerId, distbench, handler
logger = logging.getLogger(__name__)

@distbench
class Made(Algorithm):
"""
WAITS = """
async def on_start(self) -> None:
    logger.info("pid %d of %d", os.getpid(), os.getppid())
    await asyncio.sleep(1000)

async def report(self):
    return {"reported": True}
"""


class Machine:
    """Starts nodes of one run as a person would, each in a terminal of its own."""

    def __init__(self, folder: Path, stack: ExitStack, ports: list[int]) -> None:
        self.folder = folder
        self.ports = ports
        self.config: dict[str, dict[str, object]] = {f"n{number + 1}": {} for number in range(len(ports))}
        self.algorithm: str | Path = "chang_roberts"
        self.stack = stack

    def write(self, body: str) -> None:
        """The algorithm is one of these methods."""
        self.algorithm = self.folder / "made.py"
        self.algorithm.write_text(HEAD + indent(dedent(body), "    "))

    def start(self, node: str, *arguments: str | Path, name: str = "config", **changes: object) -> Watched:
        """Start a node; ``changes`` are made to every node's block of its own copy of the config."""
        config = {n: {**fields, **changes} for n, fields in with_ports(self.config, self.ports).items()}
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(config))
        options = ("--mode", "network", "--id", node, "-c", path, "-a", self.algorithm, *arguments)
        return self.stack.enter_context(Watched(*options))


@contextmanager
def machine_of(folder: Path, size: int) -> Iterator[Machine]:
    with reserved_ports(size) as ports, ExitStack() as stack:
        yield Machine(folder, stack, ports)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine for three nodes."""
    with machine_of(tmp_path, 3) as made:
        yield made


def rows(run: Watched) -> list[list[str]]:
    """The first two words of each node's row in the table."""
    table = run.out.partition("\n\n")[0]
    return [line.split()[:2] for line in table.splitlines() if re.match(r"n\d ", line)]


# -------------------------------------------------- coming up


@pytest.mark.parametrize(
    "order", [pytest.param(("n1", "n2", "n3"), marks=pytest.mark.slow), ("n3", "n2", "n1")], ids=["first", "last"]
)
def test_nodes_may_start_in_any_order_and_each_reports_on_itself(machine: Machine, order: tuple[str, ...]) -> None:
    machine.config = {
        "n1": {"neighbours": ["n2"], "node_id": 10},
        "n2": {"neighbours": ["n3"], "node_id": 4},
        "n3": {"neighbours": ["n1"], "node_id": 7},
    }
    reports = machine.folder / "reports"
    runs = {node: machine.start(node, "--report-dir", reports) for node in order}
    assert {node: run.finish() for node, run in runs.items()} == {"n1": 0, "n2": 0, "n3": 0}
    assert rows(runs["n1"]) == [["n1", "terminated"], ["n2", "terminated"], ["n3", "terminated"]]
    assert rows(runs["n2"]) == [["n2", "terminated"]]
    assert rows(runs["n3"]) == [["n3", "terminated"]]
    for node in machine.config:
        (line,) = (reports / f"{node}.json").read_text().splitlines()
        found = json.loads(line)
        assert (found["node"], found["mode"], found["details"]["leader"]) == (node, "network", 10)
    assert not any("Traceback" in run.err or "WARNING" in run.err for run in runs.values())


def test_nodes_that_are_missing_are_named(machine: Machine) -> None:
    first, second = (machine.start(node, "--startup-timeout", "1.5") for node in ("n1", "n2"))
    assert (first.finish(), second.finish()) == (1, 1)
    assert re.search(rf"n3 \(127.0.0.1:{machine.ports[2]} Connection refused\) did not come up within 1.5 s", first.err)
    assert re.search(r"n2: the coordinator beside n1 .*gave up: n3 .* did not come up", second.err)
    assert first.out == second.out == ""


@pytest.mark.slow  # it is waited for
def test_a_neighbour_that_cannot_be_reached_is_named(machine: Machine) -> None:
    with reserved_ports(1) as (nobody,):
        last, first = (machine.start(node, "--startup-timeout", "1.5") for node in ("n3", "n1"))
        machine.ports = [*machine.ports[:2], nobody]  # hosts and ports may differ: every machine sees others
        second = machine.start("n2", "--startup-timeout", "1.5", name="other")
        assert {first.finish(), second.finish(), last.finish()} == {1}
    assert re.search(r"distbench: (n2, n3|n3, n2) could not reach all neighbours within 1.5 s", first.err)
    assert f"there was no link to n3 (127.0.0.1:{nobody} Connection refused)" in second.err


def test_a_node_whose_coordinator_does_not_come_says_so(machine: Machine) -> None:
    run = machine.start("n2", "--startup-timeout", "0.5")
    assert run.finish() == 1
    assert "n2: the coordinator beside n1 did not come within 0.5 s (--startup-timeout)" in run.err


@pytest.mark.slow  # the first word comes after two seconds
@pytest.mark.parametrize("who", ["n1", "n2"])
def test_a_node_says_for_whom_it_waits_and_can_be_interrupted_meanwhile(machine: Machine, who: str) -> None:
    runs = {node: machine.start(node) for node in ("n1", "n2")}
    runs["n1"].wait_for(r"waiting for n3 \(127.0.0.1:\d+ Connection refused\)")
    runs[who].interrupt()
    other = runs["n2" if who == "n1" else "n1"]
    assert runs[who].finish() == 130
    assert other.finish() == 1
    assert re.search(r"distbench: n2.* has left: it was interrupted", other.err)
    assert "Traceback" not in runs["n1"].err + runs["n2"].err


@pytest.mark.parametrize(
    "change, words",
    [
        pytest.param({"node_id": 7}, "config [0-9a-f]{8} there, [0-9a-f]{8} here", marks=pytest.mark.slow),
        pytest.param({"format": "msgpack"}, "format 'json' there, 'msgpack' here", marks=pytest.mark.slow),
        ({"algorithm": "echo"}, "algorithm [0-9a-f]{8} there, [0-9a-f]{8} here"),
    ],
    ids=["config", "format", "algorithm"],
)
def test_what_differs_between_nodes_is_named_at_both(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with machine_of(tmp_path, 2) as machine:
        first = machine.start("n1", "--startup-timeout", "1.5")
        options = ["--startup-timeout", "1.5"]
        if "format" in change:
            options += ["-f", str(change.pop("format"))]
        machine.algorithm = str(change.pop("algorithm", machine.algorithm))
        second = machine.start("n2", *options, name="other", **change)
        assert (first.finish(), second.finish()) == (1, 1)
    assert re.search(rf"n2 \(refused by the peer: .*{words}.*\) did not come up within 1.5 s", first.err)
    assert re.search(rf"n2: .*'@coordinator' and n2 differ: {words}", second.err)
    assert "Traceback" not in first.err + second.err


def test_a_port_that_is_taken_is_named_with_its_node(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = tmp_path / "one.yaml"
        config.write_text(f"n1: {{host: 127.0.0.1, port: {port}}}\n")
        with Watched("--mode", "network", "--id", "n1", "-a", "chang_roberts", "-c", config) as run:
            assert run.finish() == 2
    assert f"n1: cannot listen on 127.0.0.1:{port} (Address already in use)" in run.err


def test_an_unknown_node_is_refused_with_the_nearest_name(machine: Machine) -> None:
    run = machine.start("n11")
    assert run.finish() == 2
    assert "--id 'n11' is no node of" in run.err
    assert "did you mean 'n1'?" in run.err


# -------------------------------------------------- Ctrl-C


def test_an_interrupted_node_leaves_and_the_others_go_on(machine: Machine) -> None:
    machine.write("""
        async def on_start(self) -> None:
            if self.id() == "n1":
                try:
                    await self.peers[PeerId("n2")].wait(None)
                except PeerDown as error:
                    logger.info("says: %s", error)
                await self.peers[PeerId("n3")].finish(None)
                await self.terminate()
            elif self.id() == "n2":
                await self.terminate()

        @handler
        async def wait(self, src: PeerId, msg: None) -> int:
            logger.info("called")
            await asyncio.Event().wait()
            return 1

        @handler
        async def finish(self, src: PeerId, msg: None) -> None:
            await self.terminate()

        async def report(self):
            return {"reported": True}
        """)
    runs = {node: machine.start(node) for node in ("n3", "n2", "n1")}
    runs["n2"].wait_for("called")
    runs["n2"].type_ctrl_c()
    assert {node: run.finish() for node, run in runs.items()} == {"n3": 0, "n2": 130, "n1": 1}
    assert rows(runs["n2"]) == [["n2", "terminated"]]
    assert "True" in runs["n2"].out
    assert re.search(r"says: n2 (has left: it )?was interrupted", runs["n1"].err)
    assert "n2 failed in process" in runs["n1"].out


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupt_beside_the_coordinator_ends_the_run_for_all(machine: Machine, number: int) -> None:
    machine.write(WAITS)
    runs = {node: machine.start(node) for node in ("n3", "n2", "n1")}
    for run in runs.values():
        run.wait_for(r"pid \d+")
    runs["n1"].interrupt(number)
    assert {node: run.finish() for node, run in runs.items()} == {"n3": 130, "n2": 130, "n1": 130}
    assert rows(runs["n1"]) == [["n1", "never"], ["n2", "never"], ["n3", "never"]]
    assert [run.out.count("True") for run in runs.values()] == [1, 1, 3]


# -------------------------------------------------- deaths


def test_no_node_outlives_its_supervisor(machine: Machine) -> None:
    machine.write(WAITS)
    runs = [machine.start(node) for node in machine.config]
    pids = [run.wait_for(r"pid (\d+)")[0] for run in runs]
    for run in runs:
        run.interrupt(signal.SIGKILL)
    wait_until_gone(pids)


MEET = """
    async def on_start(self) -> None:
        logger.info("pid %d", os.getpid())
        if self.id() == "n2":
            for _ in range(2):
                try:
                    await self.peers[PeerId("n3")].wait(None)
                except PeerDown as error:
                    logger.info("says: %s", error)
            await self.peers[PeerId("n1")].finish(None)
            await self.terminate()

    @handler
    async def wait(self, src: PeerId, msg: None) -> int:
        logger.info("called")
        await asyncio.Event().wait()
        return 1

    @handler
    async def finish(self, src: PeerId, msg: None) -> None:
        await self.terminate()
"""


def test_the_death_of_the_node_beside_the_coordinator_is_known_at_once(machine: Machine) -> None:
    machine.write("""
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            if self.id() == "n1":
                await self.terminate()
                return
            try:
                await self.peers[PeerId("n1")].wait(None)
            except PeerDown as error:
                logger.info("says: %s", error)
            await self.terminate()

        @handler
        async def wait(self, src: PeerId, msg: None) -> int:
            logger.info("called by %s", src)
            await asyncio.Event().wait()
            return 1
        """)
    runs = {node: machine.start(node) for node in ("n3", "n2", "n1")}
    pid = int(runs["n1"].wait_for(r"pid (\d+)")[0])
    runs["n1"].wait_for("called by", times=2)
    os.kill(pid, signal.SIGKILL)
    assert {node: run.finish() for node, run in runs.items()} == {"n3": 0, "n2": 0, "n1": 1}
    assert f"n1 was killed by SIGKILL (process {pid})" in runs["n1"].err
    for node in ("n2", "n3"):
        assert f"says: n1 was killed by SIGKILL (process {pid})" in runs[node].err
    assert rows(runs["n1"]) == [["n1", "crashed"], ["n2", "terminated"], ["n3", "terminated"]]


@pytest.mark.slow  # a node is gone after five seconds without a connection
def test_a_node_that_is_killed_is_named_and_the_others_go_on(machine: Machine) -> None:
    machine.write(MEET)
    runs = {node: machine.start(node) for node in ("n3", "n2", "n1")}
    runs["n3"].wait_for("called")
    os.kill(int(runs["n3"].wait_for(r"pid (\d+)")[0]), signal.SIGKILL)
    assert {node: run.finish() for node, run in runs.items()} == {"n3": 1, "n2": 0, "n1": 1}
    assert "was killed by SIGKILL" in runs["n3"].out
    assert len(re.findall("says: n3 is gone: no connection for 5 s", runs["n2"].err)) == 2
    assert rows(runs["n1"]) == [["n1", "terminated"], ["n2", "terminated"], ["n3", "crashed"]]


@pytest.mark.slow  # a coordinator is gone after five seconds without a connection
def test_without_its_coordinator_a_node_finishes_what_it_can_and_says_so(machine: Machine) -> None:
    machine.write("""
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            self.asked = 0
            while self.asked < 100:
                await asyncio.sleep(0.1)
                for peer in ("n2", "n3"):
                    if peer != self.id():
                        self.asked += await self.peers[PeerId(peer)].ask(None)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: None) -> int:
            return 1

        async def report(self):
            return {"asked": self.asked}
        """)
    runs = {node: machine.start(node) for node in ("n3", "n2", "n1")}
    for run in runs.values():  # one that has not begun would not go on alone
        run.wait_for(r"pid \d+")
    runs["n1"].interrupt(signal.SIGKILL)
    for node in ("n2", "n3"):
        assert runs[node].finish() == 1
        assert rows(runs[node]) == [[node, "terminated"]]
        assert re.search(rf"^{node} +terminated .* 100$", runs[node].out, re.M)
        assert "the coordinator beside n1 is gone: no connection for 5 s; this node went on alone" in runs[node].out
        assert "going on alone" in runs[node].err


@pytest.mark.slow  # a coordinator is gone after five seconds without a connection
def test_without_its_coordinator_a_node_that_is_done_goes_on_answering(machine: Machine) -> None:
    machine.write("""
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            self.answer = 0
            if self.id() == "n2":
                await asyncio.sleep(9)
                self.answer = await self.peers[PeerId("n3")].ask(None)
            if self.id() != "n1":
                await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: None) -> int:
            return 42

        async def report(self):
            return {"answer": self.answer}
        """)
    runs = {node: machine.start(node) for node in ("n3", "n2", "n1")}
    for run in runs.values():  # one that has not begun would not go on alone
        run.wait_for(r"pid \d+")
    runs["n1"].interrupt(signal.SIGKILL)
    assert {node: runs[node].finish() for node in ("n2", "n3")} == {"n2": 1, "n3": 1}
    assert re.search(r"^n2 +terminated .* 42$", runs["n2"].out, re.M)


@pytest.mark.slow  # its supervisor waits a while for it
def test_a_node_that_is_too_busy_to_hear_of_the_end_is_ended_by_its_supervisor(machine: Machine) -> None:
    machine.write("""
        async def on_start(self) -> None:
            while self.id() == "n2":
                pass
            await self.terminate()
        """)
    runs = {node: machine.start(node, "-t", "1") for node in ("n3", "n2", "n1")}
    assert {node: run.finish() for node, run in runs.items()} == {"n3": 3, "n2": 1, "n1": 3}
    assert re.search(
        r"n2 failed in process at (?!0\.0)\S+ s: was still busy 15 s after its time was up", runs["n2"].out
    )
    assert re.search(r"n2 is busy at made.py:\d+: (while self.id\(\) == \"n2\":|pass)", runs["n2"].err)
    assert "n2 failed in process" in runs["n1"].out


@pytest.mark.slow  # who is busy is given a while
def test_an_interrupted_run_with_a_node_that_is_busy_ends_soon(machine: Machine, say: Callable[[str], None]) -> None:
    machine.write("""
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            while self.id() == "n1":
                pass
        """)
    runs = {node: machine.start(node) for node in ("n3", "n2", "n1")}
    for run in runs.values():
        run.wait_for(r"pid \d+")
    began = time.monotonic()
    for run in runs.values():
        run.interrupt()
    assert {run.finish() for run in runs.values()} == {130}
    say(f"network mode: a run with a busy node ended {time.monotonic() - began:.1f} s after Ctrl-C")


@pytest.mark.slow  # a peer may be silent for long
def test_a_node_that_is_busy_for_long_is_neither_gone_nor_refused(machine: Machine) -> None:
    machine.write("""
        async def on_start(self) -> None:
            import time
            if self.id() == "n2":
                time.sleep(9)
            else:
                self.answer = await self.peers[PeerId("n2")].ask(None)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: None) -> int:
            return 42
        """)
    runs = {node: machine.start(node) for node in ("n3", "n2", "n1")}
    assert {run.finish() for run in runs.values()} == {0}
    assert rows(runs["n1"]) == [["n1", "terminated"], ["n2", "terminated"], ["n3", "terminated"]]
    assert "refused" not in runs["n1"].out


@pytest.mark.slow  # it is stopped for longer than the link limit
def test_a_node_that_the_run_went_on_without_says_so_and_fails(machine: Machine) -> None:
    machine.write("""
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            if self.id() == "n1":
                for number in range(60_000):
                    await self.peers[PeerId("n3")].take("x" * 1000)
                logger.info("sent")
                await asyncio.sleep(4)
            await self.terminate()

        @handler
        async def take(self, src: PeerId, text: str) -> None: ...
        """)
    runs = {node: machine.start(node, "--link-limit", "1") for node in ("n1", "n2", "n3")}
    pid = int(runs["n3"].wait_for(r"pid (\d+)")[0])
    os.kill(pid, signal.SIGSTOP)
    runs["n1"].wait_for("sent")
    os.kill(pid, signal.SIGCONT)
    assert {node: run.finish() for node, run in runs.items()} == {"n1": 1, "n2": 0, "n3": 1}
    assert re.search("the run went on without this node: n[12] says that it counts as gone", runs["n3"].out)
    assert ", but 1 node failed" in runs["n1"].out.splitlines()[-1]
    assert ", but 1 node failed" in runs["n3"].out.splitlines()[-1]


@pytest.mark.parametrize("mode", ["local", pytest.param("network", marks=pytest.mark.slow)])
def test_a_child_that_an_algorithm_forks_can_be_ended_and_is_not_left_behind(machine: Machine, mode: str) -> None:
    machine.write("""
        async def on_start(self) -> None:
            import multiprocessing
            context = multiprocessing.get_context("fork")
            ended, left = (context.Process(target=time.sleep, args=(60,)) for _ in range(2))
            ended.start()
            left.start()
            logger.info("left %d", left.pid)
            ended.terminate()
            ended.join(20)
            self.status = ended.exitcode
            await self.terminate()

        async def report(self):
            return {"status": self.status}
        """)
    if mode == "local":
        config = machine.folder / "local.yaml"
        config.write_text("n1: {}\nn2: {}\nn3: {}\n")
        arguments = ("-a", machine.folder / "made.py", "-c", config, "--mode", "local", "--port-base", "0")
        runs = [machine.stack.enter_context(Watched(*arguments))]
    else:
        runs = [machine.start(node) for node in ("n3", "n2", "n1")]
    assert [run.finish() for run in runs] == [0] * len(runs)
    pids = [pid for run in runs for pid in run.wait_for(r"left (\d+)", times=3 // len(runs))]
    wait_until_gone(pids)
    assert re.findall(r"^n\d +terminated .* (-\d+)$", runs[-1].out, re.M) == ["-15"] * 3
