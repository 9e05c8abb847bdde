"""``@pytest.mark.distbench_seeds`` in test suites of their own."""

from __future__ import annotations

import pytest

import distbench
from distbench import Algorithm
from distbench.testing import DistbenchRun

pytest_plugins = ["pytester"]

PLUGIN = "-pdistbench"
"""Loads the plugin by its entry point, as any project that has distbench installed does."""

HEAD = """
import pytest
import distbench
from distbench import Algorithm, PeerId, config_field, handler, message

@distbench.distbench
class Dice(Algorithm):
    async def on_start(self):
        self.rolled = self.choice(range(6)) + 1
        await self.terminate()

    async def report(self):
        return {"rolled": self.rolled}

@distbench.distbench
class Unlucky(Dice):
    async def on_start(self):
        await super().on_start()
        if self.rolled == 6:
            raise RuntimeError("a six")

ALONE = {"n1": {}}
seen = []
"""


@distbench.distbench
class Dice(Algorithm):
    """The one of HEAD."""

    rolled = 0

    async def on_start(self) -> None:
        self.rolled = self.choice(range(6)) + 1
        await self.terminate()


@pytest.fixture(scope="module")
def six() -> int:
    """The first seed under which the dice shows a six."""
    for seed in range(99):
        (dice,) = DistbenchRun(seed)(Dice, {"n1": {}}).algorithms.values()
        if isinstance(dice, Dice) and dice.rolled == 6:
            return seed
    raise AssertionError("no six in 99 throws")


@pytest.fixture(autouse=True)
def only_this_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suites do without the other plugins of this project's own tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


def suite(pytester: pytest.Pytester, body: str, *arguments: str) -> pytest.RunResult:
    pytester.makepyfile(HEAD + body)
    return pytester.runpytest(PLUGIN, "-pno:cacheprovider", *arguments)


def test_a_test_runs_once_under_each_seed(pytester: pytest.Pytester) -> None:
    result = suite(
        pytester,
        """
@pytest.mark.distbench_seeds(20)
def test_many(distbench_run):
    seen.append(distbench_run(Dice, ALONE).seed)

@pytest.mark.distbench_seeds(seed for seed in (7, 3))
def test_chosen(distbench_run):
    seen.append(distbench_run(Dice, ALONE).seed)

def test_unmarked(distbench_run):
    assert distbench_run(Dice, ALONE).seed == 0
    assert distbench_run(Dice, ALONE, seed=5).seed == 5

def test_seen():
    assert seen == [*range(20), 7, 3]
""",
    )
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize("style", ["long", "short", "native", "line"])
def test_the_failing_seed_is_named_with_its_replay_command(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, style: str, six: int
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    body = """
@pytest.mark.distbench_seeds(99)
@pytest.mark.parametrize("who", ["me or you"])
def test_no_six(distbench_run, who):
    assert distbench_run(Dice, ALONE).reports["n1"]["rolled"] < 6
"""
    result = suite(pytester, body, f"--tb={style}")
    result.assert_outcomes(failed=1)
    command = f"PYTHONHASHSEED=0 pytest '{result_file(pytester)}::test_no_six[me or you]' --distbench-seed={six}"
    if style != "line":  # which shows one line of each failure
        result.stdout.fnmatch_lines([f"*distbench: seed {six} failed, number {six + 1} of 99. Replay it with"])
        assert command in result.stdout.str()

    replayed = suite(pytester, body, f"--distbench-seed={six}")
    replayed.assert_outcomes(failed=1)
    replayed.stdout.fnmatch_lines([f"*distbench: seed {six} failed. Replay it with"])
    suite(pytester, body, f"--distbench-seed={six + 1}").assert_outcomes(passed=1)


def test_a_seed_that_fails_only_after_others_comes_with_a_hint_of_what_the_test_keeps(
    pytester: pytest.Pytester,
) -> None:
    body = """
@pytest.mark.distbench_seeds(9)
def test_kept(distbench_run, tmp_path):
    distbench_run(Dice, ALONE)
    with (tmp_path / "seeds").open("a") as kept:
        assert kept.tell() < 3
        kept.write("x")
"""
    hint = "*(If it passes then: what the test keeps from seed to seed, in tmp_path or another fixture, *"
    suite(pytester, body).stdout.fnmatch_lines(["*distbench: seed 3 failed, number 4 of 9. Replay it with", hint])
    suite(pytester, body, "--distbench-seed=3").assert_outcomes(passed=1)
    always = suite(pytester, body.replace("< 3", "< 0"))
    always.stdout.fnmatch_lines(["*distbench: seed 0 failed, number 1 of 9. Replay it with"])
    always.stdout.no_fnmatch_line(hint)


def result_file(pytester: pytest.Pytester) -> str:
    (file,) = pytester.path.glob("test_*.py")
    return file.name


def test_a_run_that_fails_is_named_by_its_seed_and_summary(pytester: pytest.Pytester, six: int) -> None:
    result = suite(
        pytester,
        """
@pytest.mark.distbench_seeds(99)
def test_dice(distbench_run):
    distbench_run(Unlucky, ALONE)
""",
    )
    result.stdout.fnmatch_lines(
        [
            ">*distbench_run(Unlucky, ALONE)",
            f"E*RunFailed: the run with seed {six}: n1 failed in on_start: RuntimeError: a six",
            "E*node*end*",
            f"E*distbench: seed {six} failed*",
            f"FAILED *the run with seed {six}: n1 failed in on_start: RuntimeError: a six",
        ]
    )


def test_the_seed_of_unmarked_tests_can_be_chosen(pytester: pytest.Pytester) -> None:
    body = """
def test_seed(distbench_run, request):
    assert distbench_run(Dice, ALONE).seed == distbench_run.seed == 8
"""
    suite(pytester, body, "--distbench-seed=8").assert_outcomes(passed=1)
    result = suite(pytester, body)
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*Replay*")


def test_a_skip_is_no_failure(pytester: pytest.Pytester) -> None:
    body = """
@pytest.mark.distbench_seeds(3)
def test_skipped(distbench_run):
    pytest.skip("not today")
"""
    result = suite(pytester, body, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.no_fnmatch_line("*Replay*")


SEEDLESS = ["", "0", "-1", "'ab'", "()", "1, 2", "seeds=3", "[1.5]", "None", "True", "[1, True]"]


@pytest.mark.parametrize("seeds", SEEDLESS)
def test_a_marker_without_seeds_is_refused(pytester: pytest.Pytester, seeds: str) -> None:
    body = f"""
@pytest.mark.distbench_seeds({seeds})
def test_dice(distbench_run):
    distbench_run(Dice, ALONE)
"""
    result = suite(pytester, body)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["@pytest.mark.distbench_seeds takes a number of seeds*range(50, 60)*"])


def test_a_marker_that_would_do_nothing_is_refused(pytester: pytest.Pytester) -> None:
    result = suite(
        pytester,
        """
import unittest

@pytest.fixture
def made(distbench_run):
    return distbench_run(Dice, ALONE)

@pytest.mark.distbench_seeds(3)
def test_in_a_fixture(made):
    assert made.outcome == "completed"

@pytest.mark.distbench_seeds(3)
def test_without():
    pass

@pytest.mark.distbench_seeds(3)
async def test_async(distbench_run):
    distbench_run(Dice, ALONE)

@pytest.mark.distbench_seeds(3)
class TestOld(unittest.TestCase):
    def test_old(self):
        pass
""",
    )
    result.assert_outcomes(failed=2, errors=2)
    output = result.stdout.str()
    assert output.count("which made no run with distbench_run; its fixtures are set up once") >= 2
    assert "distbench_run needs no await" in output
    assert "repeats test functions only" in output


@pytest.mark.slow
def test_workers_of_xdist_name_the_seed_too(pytester: pytest.Pytester, six: int) -> None:
    pytester.makepyfile(
        HEAD
        + """
@pytest.mark.distbench_seeds(99)
@pytest.mark.parametrize("most", [5, 6])
def test_dice(distbench_run, most):
    assert distbench_run(Dice, ALONE).reports["n1"]["rolled"] <= most
"""
    )
    result = pytester.runpytest_subprocess(PLUGIN, "-pxdist", "-n2", "-pno:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"*--distbench-seed={six}"])


@pytest.mark.slow
def test_the_plugin_costs_other_projects_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import sys

def test_imports():
    loaded = [name for name in sys.modules if name.partition(".")[0] == "distbench"]
    assert sorted(loaded) == ["distbench", "distbench.logs", "distbench.pytest_plugin"]
    assert "msgspec" not in sys.modules
"""
    )
    pytester.runpytest_subprocess(PLUGIN, "-pno:cacheprovider", "--strict-markers").assert_outcomes(passed=1)


def test_a_handler_that_never_ends_fails_its_test_with_the_line(pytester: pytest.Pytester) -> None:
    body = """
@distbench.distbench
class Endless(distbench.Algorithm):
    async def on_start(self):
        while True:
            pass

def test_endless(distbench_run):
    distbench_run(Endless, {"n1": {}})
"""
    result = suite(pytester, "import distbench\n" + body, "--distbench-step-timeout=0.1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*timeout: a step of n1 took more than 0.1 s of CPU time*.py:*"])
