"""Many seeds in many processes."""

from __future__ import annotations

import asyncio
import contextvars
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench import Algorithm, ConfigError, Outcome, PeerId, RunResult, config_field, handler
from distbench.algorithms.chang_roberts import ChangRoberts
from distbench.running import seeds as seeds_module
from distbench.running.options import RunOptions
from distbench.running.preparing import Plan
from distbench.running.seeds import SeedsProgress, parse_seeds, run_seeds

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
JOBS = pytest.mark.parametrize("jobs", [1, 2])
ALONE: dict[str, dict[str, object]] = {"n1": {}}


@distbench.distbench
class Dice(Algorithm):
    """Fails in its own way for each number of ``bad``."""

    bad: str = config_field(default="")

    async def on_start(self) -> None:
        self.rolled = self.choice(range(6)) + 1
        how = self.bad
        if self.rolled == 6 and how == "exit":
            contextvars.Context().run(os._exit, 7)  # from outside of the step
        if self.rolled == 6 and how == "killed":
            contextvars.Context().run(lambda: os.kill(os.getpid(), 9))
        if self.rolled == 6 and how == "raise":
            raise RuntimeError("a six")
        if self.rolled == 6 and how == "wait":
            await asyncio.Event().wait()
        await self.terminate()

    async def report(self) -> dict[str, object]:
        if self.rolled == 6 and self.bad == "odd":
            return {"rolled": lambda: 6}
        return {"rolled": self.rolled}


def check(result: RunResult) -> None:
    """Of this module's dice: some may not show a six."""
    for node, algorithm in result.algorithms.items():
        if isinstance(algorithm, Dice) and algorithm.bad in ("check", "odd"):
            assert algorithm.rolled != 6, f"{node} shows a six"
        if isinstance(algorithm, Dice) and algorithm.rolled == 6 and algorithm.bad == "check exits":
            raise SystemExit("a six")
        if isinstance(algorithm, Dice) and algorithm.rolled == 6 and algorithm.bad == "check fails":
            pytest.fail("a six")


def dice(bad: str = "") -> dict[str, dict[str, object]]:
    return {"n1": {"bad": bad}}


SIXES = [seed for seed in range(60) if distbench.run(Dice, ALONE, seed=seed).reports[PeerId("n1")]["rolled"] == 6]


def test_there_are_sixes_to_be_found() -> None:
    assert len(SIXES) > 3
    assert SIXES[0] > 0


@JOBS
def test_each_run_says_whether_nobody_sent_and_what_was_dropped(jobs: int) -> None:
    @distbench.distbench
    class Crashing(Algorithm):
        async def on_start(self) -> None:
            if self.id() == "n2":
                raise RuntimeError("down")
            for peer in self.peers.values():
                await peer.hello("hi")

        @handler
        async def hello(self, src: PeerId, word: str) -> None: ...

    many = distbench.run(Crashing, {"n1": {}, "n2": {}}, seeds=range(3), jobs=jobs, keep_going=True)
    assert [(run.silent, run.dropped) for run in many.runs] == [(False, {"the node had crashed": 1})] * 3
    assert [(run.silent, run.dropped) for run in distbench.run(Dice, ALONE, seeds=range(3), jobs=jobs).runs] == [
        (True, {})
    ] * 3


@JOBS
def test_every_seed_runs_as_it_would_alone(jobs: int) -> None:
    config, assign = "ring:8", "node_id=shuffled"
    many = distbench.run(ChangRoberts, config, assign=assign, seeds=range(20), jobs=jobs, digest=True)
    assert (many.exit_status, many.seed, many.failure, many.asked) == (0, None, None, 20)
    assert many.outcomes == {"completed": 20}
    assert [run.seed for run in many.runs] == list(range(20))
    for run in many.runs:
        one = distbench.run(ChangRoberts, config, assign=assign, seed=run.seed, digest=True)
        assert (run.outcome, run.virtual_time, run.deliveries) == (one.outcome, one.virtual_time, one.deliveries)
        assert run.messages == one.messages == sum(node.messages_in for node in one.nodes.values())
        assert run.digest == one.digest
    assert len({run.messages for run in many.runs}) > 5  # each ring was shuffled anew


@JOBS
@pytest.mark.parametrize(
    "bad, problem",
    [
        ("raise", "n1 failed in on_start: RuntimeError: a six"),
        ("check", "check: n1 shows a six (test_seeds.py:"),
        ("check exits", "check: it raised SystemExit: a six (test_seeds.py:"),
        ("check fails", "check: it raised Failed: a six (test_seeds.py:"),
        ("wait", "stuck"),
    ],
)
def test_the_first_failing_seed_is_found_whoever_was_quicker(jobs: int, bad: str, problem: str) -> None:
    many = distbench.run(Dice, dice(bad), seeds=range(1000), jobs=jobs)
    assert (many.seed, many.exit_status) == (SIXES[0], 1)
    first, *others = many.runs
    assert first.seed == SIXES[0]
    assert first.problem.startswith(problem)
    assert [run.seed for run in others] == list(range(SIXES[0]))
    assert all(run.exit_status == 0 for run in others)
    assert many.failure is not None
    assert many.failure.seed == SIXES[0]
    assert many.failure.exit_status == 1
    assert many.replays is True


@JOBS
def test_all_failing_seeds_are_collected_when_it_keeps_going(jobs: int) -> None:
    many = distbench.run(Dice, dice("raise"), seeds=range(60), keep_going=True, jobs=jobs)
    assert [run.seed for run in many.failed] == SIXES
    assert [run.seed for run in many.runs[: len(SIXES)]] == SIXES
    assert len(many.runs) == 60
    assert many.outcomes == {"completed": 60 - len(SIXES), "failed": len(SIXES)}
    assert [failure.seed for failure in many.failures] == SIXES[:10]


def test_the_order_asked_for_decides_which_failing_seed_is_first() -> None:
    wanted = [*reversed(SIXES), *range(60)]
    many = distbench.run(Dice, dice("check"), seeds=wanted)
    assert many.seed == SIXES[-1]
    assert many.asked == 60


@needs_fork
@pytest.mark.parametrize("bad, how", [("exit", "exit status 7"), ("killed", "signal 9 (SIGKILL)")])
def test_a_process_that_dies_is_a_failure_of_its_seed_and_the_others_go_on(bad: str, how: str) -> None:
    many = distbench.run(Dice, dice(bad), seeds=range(60), keep_going=True)
    assert [run.seed for run in many.failed] == SIXES
    assert {run.problem for run in many.failed} == {f"its process died: {how}"}
    assert {run.ended for run in many.failed} == {None}
    assert len(many.runs) == 60
    assert many.failures == ()
    assert distbench.run(Dice, dice(bad), seeds=range(60)).seed == SIXES[0]


def test_reported_values_that_cannot_be_sent_come_as_text() -> None:
    many = distbench.run(Dice, dice("odd"), seeds=SIXES)
    assert many.failure is not None
    assert "lambda" in str(many.failure.reports[PeerId("n1")]["rolled"])
    assert many.failure.check_error is not None


KEPT: list[int] = []


@distbench.distbench
class Keeps(Algorithm):
    """Keeps something between runs, which no seed says."""

    async def on_start(self) -> None:
        KEPT.append(1)
        if len(KEPT) > 3:
            raise RuntimeError("too often")
        await self.terminate()


@needs_fork
@JOBS
@pytest.mark.parametrize("keep_going", [False, True])
def test_a_seed_that_fails_only_after_others_is_told_apart(jobs: int, keep_going: bool) -> None:
    KEPT.clear()
    many = distbench.run(Keeps, ALONE, seeds=range(100, 200), jobs=jobs, keep_going=keep_going)
    assert many.exit_status == 1
    assert many.replays is False
    assert bool(KEPT) is (jobs == 1)  # with more, all ran elsewhere


def test_a_random_topology_is_drawn_for_each_seed() -> None:
    @distbench.distbench
    class Degree(Algorithm):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                await peer.ping("")

        @handler
        async def ping(self, src: PeerId, text: str) -> None: ...

    many = distbench.run(Degree, "erdos-renyi:n=9,p=0.6", seeds=range(10))
    assert len({run.messages for run in many.runs}) > 3
    alone = distbench.run(Degree, "erdos-renyi:n=9,p=0.6", seed=7)
    assert many.runs[7].messages == alone.messages


@JOBS
def test_what_is_wrong_with_the_config_of_one_seed_names_it(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(Dice, ALONE, RunOptions())
    config = plan.config

    def other(seed: int) -> Any:
        if seed == 5:
            raise ConfigError("no graph was connected")
        return config(seed)

    monkeypatch.setattr(plan, "config", other)
    with pytest.raises(ConfigError, match="seed 5: no graph was connected"):
        run_seeds(plan, range(9), jobs=jobs)


@JOBS
def test_a_wrong_config_is_refused_before_any_run(jobs: int) -> None:
    with pytest.raises(ConfigError, match=r"n1\.bad must be str"):
        distbench.run(Dice, {"n1": {"bad": 5}}, seeds=range(9), jobs=jobs)


def test_seed_and_seeds_together_and_no_seeds_are_refused() -> None:
    with pytest.raises(ConfigError, match="not both"):
        distbench.run(Dice, ALONE, seed=1, seeds=range(2))  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="no seeds to run"):
        distbench.run(Dice, ALONE, seeds=[])


@JOBS
def test_it_works_inside_a_running_loop_as_in_a_notebook(jobs: int) -> None:
    async def cell() -> int:
        return len(distbench.run(Dice, ALONE, seeds=range(30), jobs=jobs).runs)

    assert asyncio.run(cell()) == 30


@JOBS
def test_progress_is_told_and_what_is_to_be_kept_is_kept(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds_module, "_GLANCE", 0.0)
    told: list[SeedsProgress] = []
    plan = Plan(Dice, dice("raise"), RunOptions())
    many = run_seeds(
        plan, range(60), keep_going=True, jobs=jobs, progress=told.append, keep=lambda result: result.seed * 2
    )
    assert told[-1].asked == 60
    done = [so_far.done for so_far in told]
    assert done == sorted(done)
    assert (done[-1], told[-1].failed) == (60, len(SIXES))
    assert all(run.kept == run.seed * 2 for run in many.runs)


def test_ctrl_c_ends_it_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds_module, "_GLANCE", 0.0)

    def interrupt(progress: SeedsProgress) -> None:
        if progress.done > 3:
            raise KeyboardInterrupt

    many = run_seeds(Plan(Dice, ALONE, RunOptions()), range(100_000), progress=interrupt)
    assert many.interrupted
    assert many.exit_status == 130
    assert 3 < len(many.runs) < 100_000
    assert many.asked == 100_000


def test_random_of_this_process_is_left_alone() -> None:
    random.seed(5)
    state = random.getstate()
    distbench.run(Dice, ALONE, seeds=range(20), jobs=1)
    distbench.run(Dice, ALONE, seeds=range(20))
    assert random.getstate() == state


@pytest.mark.parametrize(
    "text, seeds",
    [
        ("5", [5]),
        ("0-3", [0, 1, 2, 3]),
        ("20-22, 0-2", [0, 1, 2, 20, 21, 22]),
        ("3-5,4-7,9,9", [3, 4, 5, 6, 7, 9]),
        ("0-1,2-3", [0, 1, 2, 3]),
        (str(2**63 - 1), [2**63 - 1]),
    ],
)
def test_ranges_of_seeds_are_read(text: str, seeds: Sequence[int]) -> None:
    assert list(parse_seeds(text)) == seeds


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("9-1", "in '9-1' the lower seed comes first; write 1-9"),
        ("", "'' is no range of whole numbers from 0 on; write for instance 0-999"),
        ("a-b", "'a-b' is no range"),
        ("1,,2", "'' is no range"),
        ("-5", "'-5' is no range"),
        ("1.5", "'1.5' is no range"),
        ("٣", "is no range"),
        ("0-99999999999999999999", "goes above"),
        ("0-9999999999", "too many at once, 1,000,000 is the most"),
    ],
)
def test_wrong_ranges_are_refused(text: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_seeds(text)
    assert wanted in str(caught.value)


def test_logs_of_the_runs_are_not_shown(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    distbench.run(Dice, dice("raise"), seeds=range(60), jobs=1)
    distbench.run(Dice, dice("raise"), seeds=range(60))
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_a_file_is_a_config_too(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("n1: {}\n")
    many = distbench.run(Dice, path, seeds=range(3))
    assert many.outcomes == {"completed": 3}
    assert {run.outcome for run in many.runs} == {Outcome.COMPLETED}


@distbench.distbench
class Endless(Algorithm):
    async def on_start(self) -> None:
        while True:
            pass


@JOBS
def test_ctrl_c_names_the_line_of_a_seed_that_never_ends(jobs: int) -> None:
    if jobs == 2 and not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        many = run_seeds(Plan(Endless, ALONE, RunOptions()), range(4), jobs=jobs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert many.exit_status == 130
    assert many.under_way == tuple(range(jobs))
    assert set(many.busy_at) == set(range(jobs))
    for place in many.busy_at.values():
        assert "test_seeds.py:" in place
