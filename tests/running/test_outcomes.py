"""What a run came to: one rule over its facts, and nothing that is said of its success disagrees with it."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, DistbenchError, End, Outcome, PeerId, RunFailed, RunResult, SeedsResult, config_field
from distbench.report.document import render_document, run_document, seeds_document
from distbench.report.files import report_line
from distbench.report.summary import render_ending
from distbench.running.result import Failure, Misfit
from distbench.running.seeds import SeedRun
from tests.report.made import node, result

N1, N2 = PeerId("n1"), PeerId("n2")
FAILURE = Failure(N1, "vote", "7 from n2", 0.1, "ValueError: no", "Traceback\nValueError: no")
STATUSES = {"interrupted": 130, "timeout": 3, "failed": 1, "stuck": 1, "completed": 0, "quiescent": 0}


def misfit(*, fails: bool) -> Misfit:
    return Misfit(N2, "message", "vote", "does not fit the handler", "expected int, found str", 2, fails)


def a_run(ended: Outcome, end: End, fails: bool | None, failures: bool, check_error: str | None) -> RunResult:
    """What a run may have left; ``fails`` is of a message that did not fit."""
    return result(
        {"n1": node(end, misfits=() if fails is None else (misfit(fails=fails),)), "n2": node()},
        ended=ended,
        failures=(FAILURE,) if failures else (),
        check_error=check_error,
    )


FACTS = (tuple(Outcome), tuple(End), (None, False, True), (False, True), (None, "", "two leaders"))
RUNS = [a_run(*facts) for facts in itertools.product(*FACTS)]
"""Every combination of what may have happened."""
runs = st.builds(replace, st.sampled_from(RUNS), seed=st.integers(0, 5))


def went_wrong(run: RunResult) -> bool:
    """Some node, the check or a message failed."""
    bad = run.nodes[N1].end in (End.FAILED, End.CRASHED) or any(one.fails for one in run.nodes[N1].misfits)
    return bool(run.failures) or run.check_error is not None or bad


def first_that_applies(run: RunResult) -> str:
    """The rule, as the guide has it."""
    for outcome, applies in (
        ("interrupted", run.ended == "interrupted"),
        ("timeout", run.ended == "timeout"),
        ("failed", went_wrong(run) or run.ended == "failed"),
        ("stuck", run.ended == "stuck"),
        ("completed", run.ended == "completed"),
    ):
        if applies:
            return outcome
    return "quiescent"


def as_seed(run: RunResult) -> SeedRun:
    return SeedRun(run.seed, run.outcome, run.ended, 0.1, 0.1, 1, 1, None, run.problem)


def test_all_that_is_said_of_a_runs_success_follows_from_its_outcome() -> None:
    for run in RUNS:
        say_the_same(run)


def say_the_same(run: RunResult) -> None:
    outcome = first_that_applies(run)
    status = STATUSES[outcome]
    assert (run.outcome, run.exit_status, run.ok) == (outcome, status, status == 0)
    assert bool(run.problem) is not run.ok
    document = json.loads(render_document(run_document(run, config="c", algorithm="a", command="x")))
    assert (document["outcome"], document["exit_status"], document["ok"]) == (outcome, status, run.ok)
    assert document["ended"] == run.ended
    assert report_line(run, N1)["outcome"] == outcome
    seed = as_seed(run)
    assert (seed.outcome, seed.exit_status, seed.ok) == (outcome, status, run.ok)
    ending = render_ending(run)
    how = "stopped at the first failure" if run.ended == "failed" else run.ended
    assert ending.startswith(how)
    assert any(word in ending for word in (", but ", " failed", "did not fit")) is (went_wrong(run))
    if run.ok:
        assert run.raise_if_failed() is run
    else:
        with pytest.raises(RunFailed) as raised:
            run.raise_if_failed()
        assert raised.value.result is run
        assert str(raised.value) == f"the run with seed {run.seed} failed: {run.problem}"


@given(st.lists(runs, min_size=1, max_size=4), st.booleans())
def test_many_seeds_fail_as_the_first_of_them_does(some: list[RunResult], interrupted: bool) -> None:
    seeds = sorted((as_seed(run) for run in some), key=lambda one: one.ok)
    many = SeedsResult(tuple(seeds), (), len(seeds), 0.1, 1, interrupted=interrupted)
    wanted = 130 if interrupted else next((one.exit_status for one in seeds if not one.ok), 0)
    assert (many.exit_status, many.ok) == (wanted, wanted == 0)
    assert sum(many.outcomes.values()) == len(some)
    assert all(count == sum(run.outcome == outcome for run in some) for outcome, count in many.outcomes.items())
    document = json.loads(render_document(seeds_document(many, config="c", algorithm="a", command=None)))
    assert (document["exit_status"], document["ok"], document["outcomes"]) == (wanted, many.ok, many.outcomes)
    told = {(one["seed"], one["outcome"], one["exit_status"], one["ok"]) for one in document["runs"]}
    assert told == {(one.seed, str(one.outcome), one.exit_status, one.ok) for one in seeds}
    if many.ok:
        assert many.raise_if_failed() is many
    else:
        with pytest.raises(RunFailed):
            many.raise_if_failed()


def test_a_failed_run_says_what_failed_shortly() -> None:
    fine = result({"n1": node()})
    told = {
        "n1 failed in vote: ValueError: no (and 1 more failure)": replace(fine, failures=(FAILURE, FAILURE)),
        "check: two leaders": replace(fine, check_error="two leaders\nof many"),
        "n1 dropped a message from n2 for vote: does not fit the handler (and 1 more message)": replace(
            fine, nodes={N1: node(misfits=(misfit(fails=True),))}
        ),
        "stuck": replace(fine, ended=Outcome.STUCK),
        "timeout: the time limit": replace(fine, ended=Outcome.TIMEOUT, reason="the time limit"),
    }
    assert [run.problem for run in told.values()] == list(told)
    with pytest.raises(AssertionError, match="the run with seed 0 failed: stuck"):
        told["stuck"].raise_if_failed()


def test_a_failed_run_can_be_raised_in_another_process() -> None:
    with pytest.raises(RunFailed) as raised:
        result({"n1": node(End.CRASHED)}).raise_if_failed()
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.result) == (str(raised.value), raised.value.result)


@distbench.distbench
class Crashes(Algorithm):
    """Every node crashes, or one of them fails at some seeds."""

    always: bool = config_field(default=True)

    async def on_start(self) -> None:
        if self.always or self.random.random() < 0.3:
            raise ValueError("no")
        await self.terminate()


@pytest.mark.parametrize("mode", ["offline", "local"])
def test_a_run_whose_nodes_all_crashed_has_failed(mode: str) -> None:
    run = distbench.run(Crashes, {"n1": {}, "n2": {}}, mode=mode)  # type: ignore[call-overload]
    assert (run.outcome, run.ended, run.exit_status, run.ok) == ("failed", "completed", 1, False)
    assert render_ending(run).startswith("completed, but 2 nodes failed: ")


def test_seeds_tell_the_outcome_of_each() -> None:
    many = distbench.run(Crashes, {"n1": {"always": False}}, seeds=range(20), keep_going=True)
    assert set(many.outcomes) == {"completed", "failed"}
    assert many.outcomes["failed"] == len(many.failed)
    with pytest.raises(RunFailed, match=rf"seed {many.seed} failed: n1 failed in on_start: ValueError: no"):
        many.raise_if_failed()
    fine = [run.seed for run in many.runs if run.ok]
    assert distbench.run(Crashes, {"n1": {"always": False}}, seeds=fine).raise_if_failed().ok


# -------------------------------------------------- instances that are elsewhere


def test_instances_of_algorithms_that_are_elsewhere_cannot_be_read_and_trouble_nobody() -> None:
    run = result({"n1": node()})
    for read in (
        lambda: run.algorithms[N1],
        lambda: len(run.algorithms),
        lambda: bool(run.algorithms),
        lambda: list(run.algorithms),
        lambda: list(reversed(run.algorithms)),  # type: ignore[arg-type]
        lambda: N1 in run.algorithms,
        lambda: run.algorithms.get(N1),
        lambda: run.algorithms.keys(),
        lambda: run.algorithms.values(),
        lambda: run.algorithms.items(),
        lambda: {**run.algorithms},
    ):
        with pytest.raises(DistbenchError, match=r"offline mode only.*result\.reports"):
            read()
    for same in (pickle.loads(pickle.dumps(run)), copy.copy(run), copy.deepcopy(run), replace(run)):
        assert same == run
    assert "not here" in repr(run)
    assert run != replace(run, algorithms={})


@pytest.mark.parametrize("mode", ["offline", "local"])
def test_a_check_that_looks_at_instances_passes_in_no_mode_where_it_finds_none(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "looks.py"
    path.write_text(
        "from distbench import Algorithm, distbench\n\n"
        "@distbench\nclass Looks(Algorithm):\n"
        "    async def on_start(self):\n        await self.terminate()\n\n"
        "def check(result):\n"
        "    for algorithm in result.algorithms.values():\n        assert algorithm.N() == 2\n"
    )
    run = distbench.run(str(path), {"n1": {}, "n2": {}}, mode=mode)  # type: ignore[call-overload]
    if mode == "offline":
        assert run.raise_if_failed().check_error is None
    else:
        assert run.outcome == "failed"
        assert "read result.reports, alike in every mode (looks.py:9)" in str(run.check_error)


def test_the_failures_that_seeds_keep_have_no_instances() -> None:
    failure = distbench.run(Crashes, {"n1": {}}, seeds=range(2)).failure
    assert failure is not None
    with pytest.raises(DistbenchError, match="--seeds"):
        len(failure.algorithms)
