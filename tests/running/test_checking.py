"""The ``check`` of an algorithm's module."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import distbench
from distbench import DefinitionError, Outcome, RunResult
from distbench.running.checking import apply_check
from distbench.running.options import RunOptions
from distbench.running.preparing import Plan
from tests.cli.commandline import start

PROGRAM = """
from distbench import Algorithm, RunResult, config_field, distbench

@distbench
class Counting(Algorithm):
    fails: bool = config_field(default=False)

    async def on_start(self):
        if self.fails:
            raise ValueError("no")
        await self.terminate()

    async def report(self):
        return {"one": 1}

"""
ONE: dict[str, dict[str, object]] = {"n1": {}}


@pytest.fixture
def counting(tmp_path: Path) -> Path:
    """A file for an algorithm and its check."""
    return tmp_path / "counting.py"


def with_check(path: Path, check: str) -> str:
    """The name of an algorithm whose module ends with ``check``."""
    path.write_text(PROGRAM + check)
    return str(path)


def line_of(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_a_check_that_holds_changes_nothing(counting: Path) -> None:
    result = distbench.run(with_check(counting, "def check(result): assert result.reports['n1']['one'] == 1"), ONE)
    assert (result.check_error, result.exit_status) == (None, 0)


def test_a_failing_check_fails_the_run_with_its_message_file_and_line(counting: Path) -> None:
    name = with_check(
        counting, "def check(result: RunResult) -> None:\n    assert not result.nodes, 'there are nodes'\n"
    )
    result = distbench.run(name, ONE)
    assert result.ended is Outcome.COMPLETED
    assert result.exit_status == 1
    assert result.check_error == f"there are nodes (counting.py:{line_of(counting, 'assert not')})"


def test_an_assertion_without_a_message_shows_itself(counting: Path) -> None:
    result = distbench.run(with_check(counting, "def check(result):\n    assert result.deliveries > 5\n"), ONE)
    assert result.check_error is not None
    assert result.check_error.startswith("assert result.deliveries > 5 (counting.py:")


def test_a_check_that_stumbles_fails_the_run_with_its_traceback(counting: Path) -> None:
    result = distbench.run(with_check(counting, "def check(result):\n    return result.reports['n7']\n"), ONE)
    assert result.exit_status == 1
    assert result.check_error is not None
    first, *rest = result.check_error.splitlines()
    assert first == f"it raised KeyError: 'n7' (counting.py:{line_of(counting, 'n7')})"
    assert rest[0] == "Traceback (most recent call last):"
    assert "checking.py" not in result.check_error


@pytest.mark.parametrize(
    "ending, wanted",
    [
        ("import sys; sys.exit('two leaders')", "it raised SystemExit: two leaders (counting.py:"),
        ("import pytest; pytest.fail('two leaders')", "it raised Failed: two leaders (counting.py:"),
        ("import asyncio; raise asyncio.CancelledError", "it raised CancelledError (counting.py:"),
        ("raise GeneratorExit", "it raised GeneratorExit (counting.py:"),
        ("raise type('Mute', (AssertionError,), {'__str__': lambda self: 1 / 0})", "raise type('Mute'"),
        ("import asyncio; return asyncio.sleep(1)", "it returned coroutine, for which nobody waits"),
    ],
)
def test_whatever_a_check_raises_it_has_not_passed(counting: Path, ending: str, wanted: str) -> None:
    result = distbench.run(with_check(counting, f"def check(result):\n    {ending}\n"), ONE)
    assert (result.ended, result.exit_status) == (Outcome.COMPLETED, 1)
    assert result.check_error is not None
    assert result.check_error.startswith(wanted)


def test_a_check_that_returns_false_has_not_passed(counting: Path) -> None:
    result = distbench.run(with_check(counting, "def check(result): return len(result.nodes) == 2"), ONE)
    assert result.check_error == "it returned False"


def test_a_check_that_stumbles_over_a_failed_run_is_no_news(counting: Path) -> None:
    name = with_check(counting, "def check(result):\n    assert result.reports['n1']['one'] == 1\n")
    result = distbench.run(name, {"n1": {"fails": True}})
    assert result.exit_status == 1
    assert result.failures
    assert result.check_error is None


def test_a_check_can_be_left_out(counting: Path) -> None:
    result = distbench.run(with_check(counting, "def check(result): assert False"), ONE, check=False)
    assert (result.check_error, result.exit_status) == (None, 0)


def test_a_class_defined_here_is_checked_by_the_check_of_this_module() -> None:
    @distbench.distbench
    class Here(distbench.Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

    result = distbench.run(Here, {"n1": {}, "n2": {}})
    assert result.check_error is not None
    assert result.check_error.startswith("two nodes are too many (test_checking.py:")
    assert distbench.run(Here, ONE).check_error is None


def check(result: RunResult) -> None:
    """Belongs to the test above."""
    assert len(result.nodes) < 2, "two nodes are too many"


@pytest.mark.parametrize(
    "wrong, wanted",
    [
        ("def check(): ...", "it takes (), not the result alone"),
        ("def check(result, seed): ...", "it takes (result, seed), not the result alone"),
        ("def check(*, result): ...", "it takes (*, result), not the result alone"),
        ("async def check(result): ...", "a check is a plain function"),
        ("def check(result):\n    yield 1", "a check is a plain function"),
        ("check = 5", "is int 5, not a function"),
    ],
)
def test_a_check_with_a_wrong_signature_is_refused_before_the_run(counting: Path, wrong: str, wanted: str) -> None:
    with pytest.raises(DefinitionError, match=r"check \(counting.py") as caught:
        distbench.run(with_check(counting, wrong), ONE)
    assert wanted in str(caught.value)
    assert "write 'def check(result: RunResult) -> None'" in str(caught.value)
    assert distbench.run(str(counting), ONE, check=False).exit_status == 0


@pytest.mark.parametrize(
    "fine", ["def check(result, strict=True): ...", "def check(*results): ...", "check = None", "check = print"]
)
def test_a_check_that_can_be_called_with_a_result_is_one(
    counting: Path, fine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distbench.run(with_check(counting, fine), ONE).exit_status == 0


def test_an_interrupted_run_is_not_checked(counting: Path) -> None:
    interrupted = replace(distbench.run(with_check(counting, ""), ONE), ended=Outcome.INTERRUPTED)

    def never(result: RunResult) -> None:
        raise AssertionError("called")

    assert apply_check(never, interrupted) is interrupted


def test_ctrl_c_during_the_check_ends_as_interrupted(counting: Path) -> None:
    def slow(result: RunResult) -> None:
        raise KeyboardInterrupt

    assert apply_check(slow, distbench.run(with_check(counting, ""), ONE)).exit_status == 130


def test_the_result_of_one_process_alone_is_not_checked(counting: Path) -> None:
    plan = Plan(with_check(counting, "def check(result): assert False"), {"n1": {}, "n2": {}}, RunOptions())
    whole = plan.run_offline(0)
    assert whole.check_error is not None
    part = replace(whole, nodes=dict(list(whole.nodes.items())[:1]), check_error=None)
    assert plan.checked(part, plan.config(0)) is part


OPTIMIZED = """
import sys, distbench
try:
    print(distbench.run(sys.argv[1], {"n1": {}}, **eval(sys.argv[2])).exit_status)
except distbench.ConfigError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"PYTHONOPTIMIZE": "1"}, {"PYTHONOPTIMIZE": "2"}])
def test_a_check_without_its_asserts_is_refused(counting: Path, how: dict[str, str]) -> None:
    name = with_check(counting, "def check(result):\n    assert False, 'always'\n")
    where = f"check (counting.py:{line_of(counting, 'def check')}) cannot check anything: PYTHONOPTIMIZE or python -O "
    for options in ("{}", "{'mode': 'local'}", "{'seeds': range(3)}", "{'seeds': range(3), 'jobs': 1}"):
        assert start("-c", OPTIMIZED, name, options, environment=how).out.startswith(where), options
    assert start("-c", OPTIMIZED, name, "{'check': False}", environment=how).out == "0\n"
    assert start("-O", "-c", OPTIMIZED, name, "{}").out.startswith(where)
    assert start("-c", OPTIMIZED, name, "{}").out == "1\n"
    assert start("-c", OPTIMIZED, with_check(counting, ""), "{}", environment=how).out == "0\n"


@pytest.mark.slow
def test_the_command_line_refuses_a_check_without_its_asserts_where_it_would_be_called(counting: Path) -> None:
    name = with_check(counting, "def check(result):\n    assert False, 'always'\n")
    optimized = {"PYTHONOPTIMIZE": "1"}
    for more in ([], ["--mode", "local", "--port-base", "0"], ["--seeds", "0-3"]):
        refused = start("-m", "distbench", "-c", "complete:2", "-a", name, *more, environment=optimized)
        assert (refused.status, refused.out) == (2, "")
        assert "cannot check anything" in refused.err
        assert "--no-check" in refused.err
    fine = start("-m", "distbench", "-c", "complete:2", "-a", name, "--no-check", environment=optimized)
    assert fine.status == 0
    network = ("--mode", "network", "--startup-timeout", "0.1", "--port-base", "0")
    elsewhere = start("-m", "distbench", "-c", "complete:2", "-a", name, *network, "--id", "n2", environment=optimized)
    assert "--port-base 0 is for local mode" in elsewhere.err  # the check is called beside n1 alone
    here = start("-m", "distbench", "-c", "complete:2", "-a", name, *network, "--id", "n1", environment=optimized)
    assert "cannot check anything" in here.err
