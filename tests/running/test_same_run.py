"""The same seed gives the same run, in any process, whatever happened there before; another seed gives another."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import distbench
from distbench import Outcome
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.events import Drawn, Event
from distbench.running.offline import run_offline
from distbench.running.options import RunOptions
from tests.running.chaotic import Chaotic

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG: dict[str, dict[str, object]] = {f"n{number}": {} for number in range(1, 5)}


NARROW = 4
"""A seed that draws links with room for two messages."""


def digest(seed: int = 0) -> str:
    result = distbench.run(Chaotic, CONFIG, seed=seed, digest=True)
    assert result.ended is Outcome.COMPLETED
    assert result.digest is not None
    return result.digest


def test_one_seed_gives_one_digest_and_another_seed_another() -> None:
    found = [digest(seed) for seed in (0, NARROW, 0, 2, NARROW)]
    assert found[0] == found[2]
    assert found[1] == found[4]
    assert len(set(found)) == 3


def test_these_seeds_draw_links_with_room_and_ties_of_both_kinds() -> None:
    drawn: list[tuple[str | int, int]] = []

    def hears(event: Event) -> None:
        if isinstance(event, Drawn):
            drawn.append((event.key[0], event.index))

    result = run_offline(define(Chaotic), config_from_mapping(CONFIG), RunOptions(seed=NARROW), sink=hears)
    assert result.link_room == 2
    assert {("first", 0), ("first", 1), ("first", 2), ("together", 0), ("together", 1)} <= set(drawn)
    wide = distbench.run(Chaotic, CONFIG, seed=NARROW, link_room="none")
    assert wide.virtual_time != result.virtual_time  # so casts did wait


def test_a_digest_is_only_made_when_it_is_wanted_and_changes_nothing() -> None:
    plain = distbench.run(Chaotic, CONFIG)
    observed = distbench.run(Chaotic, CONFIG, digest=True)
    assert plain.digest is None
    assert (plain.virtual_time, plain.deliveries) == (observed.virtual_time, observed.deliveries)
    assert plain.hash_seed == os.environ.get("PYTHONHASHSEED", "random")


@pytest.mark.parametrize("change", [{"latency": "2-11"}, {"format": "msgpack"}])
def test_other_options_give_another_digest(change: dict[str, str]) -> None:
    assert distbench.run(Chaotic, CONFIG, digest=True, **change).digest != digest()  # type: ignore[call-overload]


def test_what_happens_before_the_nodes_start_does_not() -> None:
    assert distbench.run(Chaotic, CONFIG, digest=True, startup_delay=2.5).digest == digest()


SCRIPT = """
import asyncio, random, sys
import distbench

def litter(seed):
    # Allocations and tasks that leave the heap in another state in each process.
    order = random.Random(seed)
    kept = [bytearray(order.randrange(1, 5000)) for _ in range(order.randrange(5000))]
    kept += [object() for _ in range(order.randrange(5000))]
    order.shuffle(kept)
    del kept[: len(kept) // 2]

    async def tasks():
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(order.randrange(500))))

    asyncio.run(tasks())
    return kept

kept = litter(int(sys.argv[1]))
from tests.running.chaotic import Chaotic
for before in range(int(sys.argv[2])):
    distbench.run(Chaotic, {"n1": {}, "n2": {}}, seed=before)
result = distbench.run(Chaotic, {f"n{number}": {} for number in range(1, 5)}, seed=4, digest=True)
print(result.digest, result.hash_seed)
"""


def in_a_process(*arguments: str, hash_seed: str = "5") -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_two_processes_with_one_hash_seed_and_different_pasts_give_one_digest() -> None:
    found = {in_a_process("-c", SCRIPT, str(past), str(before)) for past, before in ((1, 0), (2, 3), (3, 1))}
    assert len(found) == 1
    digest, hash_seed = found.pop().split()
    assert (len(digest), hash_seed) == (64, "5")


def test_the_command_line_gives_one_digest_under_every_hash_seed() -> None:
    command = (
        "-m",
        "distbench",
        "-c",
        "complete:4",
        "-a",
        "tests/running/chaotic.py",
        "--seed",
        str(NARROW),
        "--digest",
    )
    found = []
    for hash_seed in ("random", "1", "77"):
        out = in_a_process(*command, hash_seed=hash_seed)
        found += [word for word in out.split() if len(word) == 64 and set(word) <= set("0123456789abcdef")]
    assert len(found) == 3
    assert len(set(found)) == 1


def test_two_threads_at_once_get_the_digests_that_they_get_alone() -> None:
    wanted = {seed: digest(seed) for seed in range(NARROW + 1)}
    found: dict[int, list[str]] = {seed: [] for seed in wanted}
    together = threading.Barrier(len(wanted))

    def work(seed: int) -> None:
        together.wait()
        for _ in range(3):
            found[seed].append(digest(seed))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {seed: [each] * 3 for seed, each in wanted.items()}
