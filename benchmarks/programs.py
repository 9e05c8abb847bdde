"""What the benchmarks run: ordinary algorithms, and one program a measurement.

``python -m benchmarks.programs relay`` prints lines ``name value``. Rates are taken around the whole of
``distbench.run``: set-up and end of the run are inside, the import is not.
"""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import distbench
from benchmarks.leftovers import Snapshot
from distbench import Algorithm, PeerId, config_field, handler, message
from distbench.algorithms.chang_roberts import ChangRoberts
from distbench.algorithms.echo import Echo

MIB = 2**20
ROOT = Path(__file__).resolve().parent.parent
Config = dict[str, dict[str, object]]


@message
class Token:
    """The message of all benchmarks: an int, a short string, a list of three strings."""

    seq: int
    name: str
    path: list[str]


def new_token(seq: int) -> Token:
    return Token(seq, "hello-world", ["n1", "n2", "n3"])


@distbench.distbench
class Relay(Algorithm):
    """On a ring, one token a node hops to the successor until its hops are used up."""

    hops: int = config_field(required=True)

    async def on_start(self) -> None:
        (self.successor,) = self.peers.values()
        await self.successor.hop(new_token(self.hops))

    @handler
    async def hop(self, src: PeerId, token: Token) -> None:
        if token.seq > 1:
            await self.successor.hop(new_token(token.seq - 1))
        else:
            await self.terminate()


@distbench.distbench
class WatchedRelay(Relay):
    """A relay whose nodes note the process's memory at certain numbers of deliveries."""

    watch: list[int] = config_field(default_factory=list)
    seen: int = 0

    async def on_start(self) -> None:
        self.memory: list[float] = []
        await super().on_start()

    @handler
    async def hop(self, src: PeerId, token: Token) -> None:
        self.seen += 1
        if self.seen in self.watch:
            self.memory.append(resident())
        await super().hop(src, token)


@distbench.distbench
class Caller(Algorithm):
    """One node asks its neighbour again and again, and awaits each reply."""

    calls: int = config_field(default=0)

    async def on_start(self) -> None:
        for seq in range(self.calls):
            for peer in self.peers.values():
                assert await peer.ask(new_token(seq)) == "hello-world"
        await self.terminate()

    @handler
    async def ask(self, src: PeerId, token: Token) -> str:
        return token.name


@distbench.distbench
class Flood(Algorithm):
    """Every node casts to all others in turn before anything arrives; nobody knows when it is over."""

    casts: int = config_field(required=True)

    async def on_start(self) -> None:
        peers = list(self.peers.values())
        for seq in range(self.casts):
            await peers[seq % len(peers)].take(new_token(seq))

    @handler
    async def take(self, src: PeerId, token: Token) -> None:
        pass


def ring(size: int, **fields: object) -> Config:
    return {f"n{i}": {"neighbours": [f"n{i % size + 1}"], **fields} for i in range(1, size + 1)}


def complete(size: int, **fields: object) -> Config:
    return {f"n{i}": {"neighbours": [], **fields} for i in range(1, size + 1)}


def rate(count: int, algorithm: type[Algorithm], config: Config, deliveries: int, latency: str | None = None) -> float:
    """``count`` by the seconds of one run, the median of three, after a check that all was delivered."""
    rates = []
    for seed in range(3):
        began = time.perf_counter()
        result = distbench.run(algorithm, config, seed=seed, format="msgpack", latency=latency, link_room="none")
        rates.append(count / (time.perf_counter() - began))
        assert (result.exit_status, result.deliveries) == (0, deliveries), (result.outcome, result.deliveries)
    return median(rates)


def relay() -> dict[str, float]:
    """64 tokens hop with random delays."""
    return {"relay": rate(200_000, Relay, ring(64, hops=3125), 200_000)}


def round_trips() -> dict[str, float]:
    """One caller awaits each reply."""
    config: Config = {"n1": {"neighbours": ["n2"], "calls": 100_000}, "n2": {"neighbours": ["n1"]}}
    return {"rr": rate(100_000, Caller, config, 200_000)}


def flood() -> dict[str, float]:
    """100,000 casts in flight at once."""
    return {"flood": rate(100_000, Flood, complete(100, casts=1000), 100_000, latency="10-50")}


def startup() -> dict[str, float]:
    """Seconds of one command, from the shell's view, and of a Python that does nothing."""

    def seconds(*command: str) -> float:
        began = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        return time.perf_counter() - began

    launcher = str(Path(sys.executable).with_name("distbench"))
    return {
        "startup": seconds(launcher, "-c", "configs/echo.yaml", "-a", "echo"),
        "python": seconds(sys.executable, "-c", "pass"),
    }


def big_ring() -> dict[str, float]:
    """A ring of 10,000 with shuffled numbers elects its leader."""
    config = ring(10_000)
    numbers = random.Random(0).sample(range(10_000), 10_000)
    for block, number in zip(config.values(), numbers, strict=True):
        block["node_id"] = number
    began = time.perf_counter()
    result = distbench.run(ChangRoberts, config, link_room="none")
    elapsed = time.perf_counter() - began
    assert {report["leader"] for report in result.reports.values()} == {9_999}
    return {"ring": peak() / MIB, "seconds": elapsed}


def memory() -> dict[str, float]:
    """What stays when 1,000,000 deliveries have passed instead of 100,000, in one run."""
    # A node of the ring sees every 64th delivery; at both moments all 64 tokens are on their way.
    result = distbench.run(
        WatchedRelay, ring(64, hops=15_625, watch=[1_563, 15_600]), format="msgpack", link_room="none"
    )
    assert result.deliveries == 1_000_000, result.deliveries
    early, late = result.algorithms[PeerId("n1")].memory  # type: ignore[attr-defined]
    return {"growth": (late - early) / MIB, "late": late / MIB}


def many_runs() -> dict[str, float]:
    """A hundred short runs one after another in one process, and what they leave behind."""
    config = complete(4)
    config["n1"]["start_node"] = True
    for seed in range(20):  # the first imports what a run needs, the next fill caches that are meant to stay
        distbench.run(Echo, config, seed=seed, link_room="none")
    gc.collect()
    before = Snapshot.take()
    times = []
    for seed in range(100):
        began = time.perf_counter()
        result = distbench.run(Echo, config, seed=seed, link_room="none")
        times.append(time.perf_counter() - began)
        assert result.outcome == "completed", result
    del result
    gc.collect()
    left = before.changes(Snapshot.take())
    for line in left:
        print("left behind:", line, file=sys.stderr)
    return {"run": sum(times) / len(times) * 1000, "slowest": max(times) * 1000, "left": len(left)}


def resident() -> float:
    """Bytes of memory that this process holds now; its peak where /proc is missing."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096.0
    except OSError:
        return peak()


def peak() -> float:
    """The most bytes of memory that this process ever held."""
    import resource  # not on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)


PROGRAMS: dict[str, Callable[[], dict[str, float]]] = {
    "relay": relay,
    "rr": round_trips,
    "flood": flood,
    "startup": startup,
    "ring": big_ring,
    "memory": memory,
    "runs": many_runs,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or PROGRAMS:
        for metric, value in PROGRAMS[name]().items():
            print(metric, f"{value:.6g}", flush=True)
