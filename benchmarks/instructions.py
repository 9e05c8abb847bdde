"""Instructions a message: what callgrind counts in two runs of different length, by the messages between them.

``python -m benchmarks.instructions [name ...]`` prints one line a program. Nothing else on the machine changes the
count, so two versions of the code can be compared to a tenth of a percent. Needs valgrind.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import distbench
from benchmarks.measure import ROOT, ProgramFailed
from benchmarks.programs import Caller, Flood, Relay, complete, ring

FEW, MANY = 1_920, 5_760  # multiples of 64 tokens and of 20 nodes


def relay(messages: int) -> None:
    """64 tokens hop on a ring."""
    distbench.run(Relay, ring(64, hops=messages // 64), format="msgpack", link_room="none")


def round_trips(messages: int) -> None:
    """One caller awaits each reply; a round trip counts as one."""
    config: dict[str, dict[str, object]] = {
        "n1": {"neighbours": ["n2"], "calls": messages},
        "n2": {"neighbours": ["n1"]},
    }
    distbench.run(Caller, config, format="msgpack", link_room="none")


def flood(messages: int) -> None:
    """Every node casts to all others."""
    distbench.run(Flood, complete(20, casts=messages // 20), format="msgpack", latency="10-50", link_room="none")


PROGRAMS: dict[str, Callable[[int], None]] = {"relay": relay, "rr": round_trips, "flood": flood}


def count(name: str, messages: int) -> int:
    """The instructions of one process that plays the program once."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    done = subprocess.run(
        [*command, "-m", "benchmarks.instructions", "--play", name, str(messages)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise ProgramFailed(f"{name} ended with status {done.returncode}: {done.stderr[-500:]}")
    return int(found[1])


def main(arguments: list[str]) -> None:
    """Play one program, or count the instructions of the named ones."""
    if arguments[:1] == ["--play"]:
        PROGRAMS[arguments[1]](int(arguments[2]))
        return
    for name in arguments or PROGRAMS:
        print(f"{name}: {(count(name, MANY) - count(name, FEW)) / (MANY - FEW):,.0f} instructions", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
