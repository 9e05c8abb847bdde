"""Local mode as processes: what it survives, and what it says of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent, indent

import pytest

import distbench as package
from distbench import Algorithm, ConfigError, End, PeerDown, PeerId, config_field, distbench, handler
from tests.contract.play import nodes, side_by_side
from tests.running.watched import ROOT, Watched, wait_until_gone

N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))
ECHO = ("-a", "echo", "-c", ROOT / "configs" / "echo.yaml")
HEAD = """
import asyncio, logging, os, signal, time
from distbench import Algorithm, PeerId, distbench, handler
logger = logging.getLogger(__name__)

@distbench
class Made(Algorithm):
"""
WAITS = """
    async def on_start(self) -> None:
        logger.info("pid %d of %d", os.getpid(), os.getppid())
        if self.id() == "n1":
            await self.terminate()
        await asyncio.sleep(1000)

    async def report(self):
        return {"reported": True}
"""


def program(folder: Path, body: str) -> Path:
    """A file with an algorithm of these methods."""
    path = folder / "made.py"
    path.write_text(HEAD + indent(dedent(body), "    "))
    return path


def local(*arguments: str | Path) -> Watched:
    """``distbench --mode local`` on free ports."""
    return Watched("--mode", "local", "--port-base", "0", *arguments)


def pids(run: Watched, count: int) -> dict[str, int]:
    """The processes of so many nodes, as they log them."""
    lines = run.wait_for(r"(n\d+ +INFO +pid \d+)", times=count)
    return {line.split()[0]: int(line.split()[-1]) for line in lines}


# -------------------------------------------------- nodes that die


@distbench
class Dies(Algorithm):
    """n2 ends itself while n1 waits for its reply; the others go on."""

    way: str = config_field(default="kill")

    def __init__(self) -> None:
        self.said = ""

    async def on_start(self) -> None:
        if self.id() == N1:
            try:
                await self.peers[N2].ask(self.way)
            except PeerDown as error:
                self.said = str(error)
            await self.peers[N3].finish("please")
            await self.terminate()

    @handler
    async def ask(self, src: PeerId, how: str) -> str:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(3)

    @handler
    async def finish(self, src: PeerId, msg: str) -> None:
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"said": self.said}


@pytest.mark.parametrize("way, words", [("kill", "was killed by SIGKILL"), ("exit", "ended with exit status 3")])
def test_a_node_that_dies_is_named_and_the_others_go_on(way: str, words: str) -> None:
    result = package.run(Dies, nodes(3, way=way), mode="local")
    assert (result.ended, result.exit_status) == ("completed", 1)
    assert words in str(result.reports[N1]["said"])
    assert [node.end for node in result.nodes.values()] == [End.TERMINATED, End.CRASHED, End.TERMINATED]
    ((node, exception),) = [(one.node, one.exception) for one in result.failures]
    assert node == N2
    assert words in exception


def test_a_node_that_is_killed_is_named_in_the_log_and_in_the_summary(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    body = """
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            await self.terminate()
            if self.id() != "n2":
                await self.peers[PeerId("n2")].ask(None)
            await asyncio.sleep(1000)

        @handler
        async def ask(self, src: PeerId, msg: None) -> int:
            await asyncio.Event().wait()
            return 1

        async def terminate(self) -> None:
            if self.id() != "n2":
                await super().terminate()
        """
    with local("-a", program(tmp_path, body), "-c", "complete:3") as run:
        pid = pids(run, 3)["n2"]
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        run.wait_for("n2 was killed by SIGKILL")
        say(f"local mode: a node killed by SIGKILL was named after {time.monotonic() - killed:.3f} s")
        assert run.finish() == 1
    assert f"n2 was killed by SIGKILL (process {pid})" in run.err
    assert re.search(r"^n2 +crashed", run.out, re.M)
    assert re.search(r"^n2 failed in process at .* was killed by SIGKILL", run.out, re.M)


@pytest.mark.slow  # a peer is silent after ten seconds
def test_a_node_that_is_stopped_is_named_and_may_come_back(tmp_path: Path, say: Callable[[str], None]) -> None:
    body = f"""
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            while self.id() == "n1" and not os.path.exists("{tmp_path}/go"):
                await asyncio.sleep(0.1)
            for peer in self.peers.values():
                assert await peer.ask(1) == 2
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: int) -> int:
            return msg + 1
        """
    with local("-a", program(tmp_path, body), "-c", "complete:3", "-t", "60") as run:
        pid = pids(run, 3)["n2"]
        stopped = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        run.wait_for("n2 has been silent for 1[0-9] s")
        say(f"local mode: a node stopped by SIGSTOP was named after {time.monotonic() - stopped:.1f} s")
        os.kill(pid, signal.SIGCONT)
        run.wait_for("n2 can be heard again")
        (tmp_path / "go").touch()
        assert run.finish() == 0
    assert re.search(r"^completed: ", run.out, re.M)


def test_a_handler_that_blocks_holds_up_nobody_else() -> None:
    @distbench
    class Blocks(Algorithm):
        when = 0.0

        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].block(None)
                for _ in range(10):
                    await self.peers[N3].ask(None)
                self.when = self.now()
                await self.terminate()

        @handler
        async def block(self, src: PeerId, msg: None) -> None:
            time.sleep(0.5)
            self.when = self.now()
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: None) -> int:
            await self.terminate()
            return 1

        async def report(self) -> dict[str, object]:
            return {"when": self.when}

    result = package.run(Blocks, nodes(3), mode="local")
    assert (result.outcome, result.exit_status) == ("completed", 0)
    assert float(str(result.reports[N1]["when"])) < float(str(result.reports[N2]["when"]))


# -------------------------------------------------- ports


def two_ports(stack: ExitStack) -> int:
    """A port that somebody listens on; the one before is kept from all but who is told of it."""
    while True:
        taken, before = stack.enter_context(socket.socket()), stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port: int = taken.getsockname()[1]
        before.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            before.bind(("127.0.0.1", port - 1))
        except OSError:  # somebody else has that
            continue
        return port


def test_a_port_that_is_taken_is_named_with_its_node() -> None:
    with ExitStack() as stack:
        port = two_ports(stack)
        with Watched("--mode", "local", *ECHO, "--port-base", str(port - 1)) as run:
            assert run.finish() == 2
    assert f"n2: cannot listen on 127.0.0.1:{port} (Address already in use)" in run.err
    assert "--port-base" in run.err
    assert "Traceback" not in run.err


def test_a_port_beyond_the_last_is_refused() -> None:
    with pytest.raises(ConfigError, match="n2: port 65536 is beyond 65535"):
        package.run("echo", nodes(3), mode="local", port_base=65535)


def test_the_ports_of_the_config_are_used_unless_a_base_is_given(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = {"n1": {"host": "somewhere.else.invalid", "port": port, "start_node": True}, "n2": {}}
        path = tmp_path / "two.yaml"
        path.write_text(json.dumps(config))
        assert package.run("echo", config, mode="local").exit_status == 0  # port_base 0 is the default here
        with Watched("--mode", "local", "-a", "echo", "-c", path) as run:
            assert run.finish() == 2
        assert f"n1: cannot listen on 127.0.0.1:{port}" in run.err


def test_two_runs_side_by_side_on_free_ports_do_not_meet(say: Callable[[str], None]) -> None:
    results = side_by_side([lambda: package.run("chang_roberts", "ring:5", mode="local")] * 2)
    assert [(result.outcome, result.exit_status) for result in results] == [("completed", 0)] * 2
    say(f"two runs side by side: {', '.join(f'{result.wall_time:.2f} s' for result in results)}, nothing refused")
    assert not any(node.refused for result in results for node in result.nodes.values())


# -------------------------------------------------- Ctrl-C and the like


@pytest.mark.parametrize("way", ["SIGINT", "SIGTERM", "terminal"])
def test_an_interrupted_run_shows_what_there_is(tmp_path: Path, way: str) -> None:
    with local("-a", program(tmp_path, WAITS), "-c", "complete:3") as run:
        pids = run.wait_for(r"pid (\d+)", times=3)
        if way == "terminal":
            run.type_ctrl_c()
        else:
            run.interrupt(signal.Signals[way])
        assert run.finish() == 130
    assert [line.split()[:2] for line in run.out.splitlines() if re.match(r"n\d ", line)] == [
        ["n1", "terminated"],
        ["n2", "never"],
        ["n3", "never"],
    ]
    assert run.out.count("True") == 3
    assert "Traceback" not in run.err
    wait_until_gone(pids)


def test_a_signal_to_the_whole_group_loses_nothing(tmp_path: Path) -> None:
    with local("-a", program(tmp_path, WAITS), "-c", "complete:3") as run:
        run.wait_for(r"pid (\d+)", times=3)
        os.killpg(run.process.pid, signal.SIGTERM)
        assert run.finish() == 130
    assert run.out.count("True") == 3
    assert "SIGKILL" not in run.out + run.err


def test_a_node_has_no_secret_key_but_its_own(tmp_path: Path) -> None:
    body = """
        async def on_start(self) -> None:
            import gc, inspect
            from distbench.signing import KeyPair
            held = [one for one in gc.get_objects() if isinstance(one, KeyPair)]
            frame = inspect.currentframe()
            while frame is not None:
                held += [v for value in list(frame.f_locals.values()) for v in (
                    value.values() if isinstance(value, dict) else [value]) if isinstance(v, KeyPair)]
                frame = frame.f_back
            logger.info("keys %d", len({one.public for one in held}))
            await self.terminate()
        """
    with local("-a", program(tmp_path, body), "-c", "complete:3") as run:
        assert run.finish() == 0
    assert re.findall(r"keys (\d+)", run.err) == ["1"] * 3


def test_what_nodes_print_is_mixed_line_by_line(tmp_path: Path) -> None:
    body = """
        async def on_start(self) -> None:
            for number in range(2000):
                print(f"{self.id()} prints line {number:05}")
            await self.terminate()
        """
    with local("-a", program(tmp_path, body), "-c", "complete:3") as run:
        assert run.finish() == 0
    lines = [line for line in run.out.splitlines() if "print" in line]
    assert len(lines) == 6000
    assert all(re.fullmatch(r"n\d prints line \d{5}", line) for line in lines)


@pytest.mark.slow  # it is given a while
def test_a_loop_without_end_is_named_by_file_and_line(tmp_path: Path) -> None:
    body = """
        async def on_start(self) -> None:
            while self.id() == "n2":
                pass
            await self.terminate()
        """
    with local("-a", program(tmp_path, body), "-c", "complete:3", "-t", "1") as run:
        assert run.finish() == 3
    assert re.search(r"WARNING n2 is busy at \S+\.py:\d+: (while self.id\(\) == \"n2\":|pass)$", run.err, re.M)
    assert re.search(r"^n2 failed in process at .* did not leave within 7 s", run.out, re.M)


@pytest.mark.slow  # they are given a while
def test_nodes_that_do_not_leave_are_ended(tmp_path: Path) -> None:
    body = """
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            if self.id() == "n2":
                time.sleep(1000)
            await asyncio.sleep(1000)
        """
    with local("-a", program(tmp_path, body), "-c", "complete:3") as run:
        pids = run.wait_for(r"pid (\d+)", times=3)
        run.interrupt()
        assert run.finish() == 130
    assert "n2 failed in process" in run.out
    assert "did not leave within" in run.out
    wait_until_gone(pids)


def test_a_second_interrupt_ends_the_nodes_at_once(tmp_path: Path) -> None:
    body = """
        async def on_start(self) -> None:
            logger.info("pid %d", os.getpid())
            await asyncio.sleep(1000)

        async def on_exit(self) -> None:
            logger.info("leaving")
            time.sleep(1000)
        """
    with local("-a", program(tmp_path, body), "-c", "complete:2") as run:
        pids = run.wait_for(r"pid (\d+)", times=2)
        run.interrupt()
        run.wait_for("leaving", times=2)
        run.interrupt()
        assert run.finish() == 130
    wait_until_gone(pids)


def test_nothing_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    with local("-a", program(tmp_path, WAITS), "-c", "complete:3") as run:
        pids = run.wait_for(r"pid (\d+)", times=3)
        nursery = run.wait_for(r"pid \d+ of (\d+)")[0]
        run.interrupt(signal.SIGKILL)
        wait_until_gone([*pids, nursery])


def test_nodes_and_run_end_with_the_nursery(tmp_path: Path) -> None:
    with local("-a", program(tmp_path, WAITS), "-c", "complete:3") as run:
        pids = run.wait_for(r"pid (\d+)", times=3)
        nursery = run.wait_for(r"pid \d+ of (\d+)")[0]
        os.kill(int(nursery), signal.SIGKILL)
        assert run.finish() == 1
        wait_until_gone(pids)
    assert f"the process that keeps the nodes has died (process {nursery})" in run.err
    assert all(re.search(rf"^{node} +crashed", run.out, re.M) for node in ("n1", "n2", "n3"))


def test_a_run_can_be_made_where_a_loop_runs_already() -> None:
    async def cell() -> package.RunResult:
        return package.run("echo", nodes(3, neighbours=[]), mode="local")

    assert asyncio.run(cell()).ended == "quiescent"


def test_such_a_run_can_be_interrupted_as_well() -> None:
    reading, writing = os.pipe()

    @distbench
    class Endless(Algorithm):
        async def on_start(self) -> None:
            os.write(writing, b"x")
            await asyncio.sleep(1000)

    async def cell() -> package.RunResult:
        return package.run(Endless, nodes(2), mode="local")

    def interrupt() -> None:
        for _ in range(2):
            os.read(reading, 1)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop):
        thread.start()
        result = loop.run_until_complete(cell())
    thread.join()
    os.close(reading)
    os.close(writing)
    assert (result.outcome, result.exit_status) == ("interrupted", 130)
    assert [node.end for node in result.nodes.values()] == [End.RUNNING] * 2


# -------------------------------------------------- many


@pytest.mark.slow  # a hundred processes
@pytest.mark.parametrize("size", [100, 300])
def test_a_large_ring_elects(size: int) -> None:
    with local("-a", "chang_roberts", "-c", f"ring:{size}", "-q") as run:
        assert run.finish() == 0
    assert not re.search("Traceback|WARNING|ERROR", run.err)
    last = run.out.splitlines()[-1]
    print(f"ring of {size}: {last}")
    assert last.startswith("completed: ")
    assert f"leader: {size}" in run.out
