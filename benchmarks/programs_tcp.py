"""What the benchmarks of the real modes run: node processes over TCP on this machine.

``python -m benchmarks.programs_tcp tcp`` prints lines ``name value``. Rates of messages are measured inside the
algorithm, from the first message to a reply that proves that all were handled; start and end of the processes are
measured as a user sees them, around the whole command.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.programs import MIB, ROOT, Token, new_token
from distbench import Algorithm, PeerId, config_field, distbench, handler
from distbench.algorithms.chang_roberts import ChangRoberts
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.running.local import run_local
from distbench.running.options import RunOptions
from distbench.running.result import RunResult

CASTS, CALLS, CALLERS = 300_000, 10_000, 64
"""As in the floor; 64 callers share six times as many calls."""


@distbench
class Talker(Algorithm):
    """One node asks and casts, the other answers; the first reports how many messages a second that were."""

    talks: bool = config_field(default=False)

    async def on_start(self) -> None:
        self.rates: dict[str, float] = {}
        if self.talks:
            await self.call_many(1000)
            began = time.perf_counter()
            await self.call_many(CALLS)
            self.rates["rr"] = CALLS / (time.perf_counter() - began)
            each = CALLS * 6 // CALLERS
            began = time.perf_counter()
            await asyncio.gather(*(self.call_many(each) for _ in range(CALLERS)))
            self.rates["rr64"] = each * CALLERS / (time.perf_counter() - began)
            (peer,) = self.peers.values()
            began = time.perf_counter()
            for seq in range(CASTS):
                await peer.take(new_token(seq))
            await self.call_many(1)  # its reply says that all casts before it were handled
            self.rates["casts"] = CASTS / (time.perf_counter() - began)
        await self.terminate()

    async def call_many(self, times: int) -> None:
        (peer,) = self.peers.values()
        for seq in range(times):
            assert await peer.ask(new_token(seq)) == "hello-world"

    @handler
    async def take(self, src: PeerId, token: Token) -> None:
        pass

    @handler
    async def ask(self, src: PeerId, token: Token) -> str:
        return token.name

    async def report(self) -> dict[str, float]:
        return self.rates


@distbench
class WeighedRing(ChangRoberts):
    """An election in which every node also reports the memory that its process shares with no other."""

    async def report(self) -> dict[str, object]:
        return {**await super().report(), "private": private_memory()}


def private_memory() -> int:
    """Bytes of this process that no other process shares."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def run(algorithm: type[Algorithm], config: dict[str, dict[str, object]]) -> RunResult:
    result = run_local(
        define(algorithm),
        config_from_mapping(config),
        RunOptions(format="msgpack", timeout=120),
        port_base=0,
    )
    assert result.exit_status == 0, (result.outcome, result.failures)
    return result


def talk() -> dict[str, float]:
    """Casts, and round trips with one caller and with 64."""
    result = run(Talker, {"n1": {"neighbours": ["n2"], "talks": True}, "n2": {"neighbours": ["n1"]}})
    return {name: float(str(rate)) for name, rate in result.reports[PeerId("n1")].items()}


def memory() -> dict[str, float]:
    """The private memory of the node process that has most, and of the one in the middle."""
    size = 100
    config: dict[str, dict[str, object]] = {f"n{i}": {"neighbours": [f"n{i % size + 1}"]} for i in range(1, size + 1)}
    config["n1"]["is_initiator"] = True
    found = sorted(int(str(report["private"])) for report in run(WeighedRing, config).reports.values())
    return {"private": found[-1] / MIB, "median": found[len(found) // 2] / MIB}


def command(*arguments: str) -> float:
    """Seconds of one command in local mode, from the shell's view, after a check that it went well."""
    launcher = str(Path(sys.executable).with_name("distbench"))
    began = time.perf_counter()
    done = subprocess.run(
        [launcher, *arguments, "--mode", "local", "--port-base", "0"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - began
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Traceback" not in said, said
    assert "completed:" in done.stdout, said
    return seconds


def echo() -> dict[str, float]:
    """Three nodes."""
    return {"echo-local": command("-c", "configs/echo.yaml", "-a", "echo")}


def election(size: int) -> dict[str, float]:
    """A ring of processes elects its leader."""
    return {f"ring-{size}": command("-c", f"ring:{size}", "-a", "chang_roberts")}


PROGRAMS: dict[str, Callable[[], dict[str, float]]] = {
    "tcp": talk,
    "echo": echo,
    "ring100": lambda: election(100),
    "ring300": lambda: election(300),
    "memory": memory,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or PROGRAMS:
        for metric, value in PROGRAMS[name]().items():
            print(metric, f"{value:.6g}", flush=True)
