"""The fixture ``distbench_run``; ``distbench.testing`` beside it."""

from __future__ import annotations

import asyncio
import contextvars
import re
import signal
from pathlib import Path

import pytest

import distbench
from distbench import Algorithm, ConfigError, DefinitionError, End, Outcome, PeerId, config_field, handler
from distbench.testing import DistbenchRun, RunFailed, agree, assert_reports, render_result

RING = {"n1": {"neighbours": ["n2"]}, "n2": {"neighbours": ["n3"]}, "n3": {"neighbours": ["n1"]}}


@distbench.distbench
class Vote(Algorithm):
    """Reports what the config says."""

    mood: str = config_field(default="well")
    vote: object = config_field(default=None)

    async def on_start(self) -> None:
        if self.mood == "raises":
            raise ValueError("no mood")
        if self.mood == "waits":
            await asyncio.Event().wait()
        if self.mood == "sleeps":
            await asyncio.sleep(1e9)
        if self.mood == "interrupted":
            contextvars.Context().run(signal.raise_signal, signal.SIGINT)  # from outside of the step
        if self.mood != "quiet":
            await self.terminate()

    async def report(self) -> dict[str, object]:
        return {} if self.vote is None else {"vote": self.vote, "child": {"vote": self.N()}}

    @handler
    async def unused(self, src: PeerId, msg: int) -> None:
        raise NotImplementedError


def votes(*values: object, **more: object) -> dict[str, dict[str, object]]:
    return {f"n{number}": {"vote": value, **more} for number, value in enumerate(values, 1)}


def test_a_run_that_succeeds_is_returned(distbench_run: DistbenchRun) -> None:
    result = distbench_run(Vote, RING, latency="5", digest=True)
    assert (result.outcome, result.seed) == (Outcome.COMPLETED, distbench_run.seed)
    assert result.digest == distbench.run(Vote, RING, latency="5", digest=True, seed=distbench_run.seed).digest


def test_the_room_of_links_is_an_option_like_any_other(distbench_run: DistbenchRun) -> None:
    assert distbench_run(Vote, RING, link_room=3).link_room == 3


def test_a_result_is_rendered_as_the_command_line_prints_it(distbench_run: DistbenchRun) -> None:
    lines = render_result(distbench_run(Vote, votes("yes", "no"))).splitlines()
    assert lines[1].split() == ["node", "end", "in", "out", "in", "out", "vote", "child.vote"]
    assert lines[2].split() == ["n1", "terminated", "0", "0", "0", "0", "yes", "2"]
    assert lines[-1].startswith("completed: ")
    assert "\x1b" not in "".join(lines)


def test_a_quiescent_run_is_no_failure(distbench_run: DistbenchRun) -> None:
    assert distbench_run(Vote, {"n1": {"mood": "quiet"}}).outcome is Outcome.QUIESCENT


@pytest.mark.parametrize(
    "mood, cause",
    [
        ("raises", "n1 failed in on_start: ValueError: no mood"),
        ("waits", "stuck"),
        ("sleeps", "timeout: the time limit"),
    ],
)
def test_a_run_that_fails_raises_with_its_cause_first(distbench_run: DistbenchRun, mood: str, cause: str) -> None:
    with pytest.raises(RunFailed, match=rf"^the run with seed {distbench_run.seed}: {cause}") as caught:
        distbench_run(Vote, {"n1": {"mood": mood}, "n2": {}})
    assert caught.value.result.exit_status != 0
    assert re.search(r"^n2 +terminated ", str(caught.value), re.MULTILINE)


def test_a_failure_can_be_expected(distbench_run: DistbenchRun) -> None:
    result = distbench_run(Vote, {"n1": {"mood": "raises"}}, expect_failure=True)
    assert result.nodes[PeerId("n1")].end is End.CRASHED
    with pytest.raises(RunFailed, match="seed 0: should have failed, but ended as completed"):
        distbench_run(Vote, RING, expect_failure=True)


def test_mistakes_before_the_run_stay_what_they_are(distbench_run: DistbenchRun) -> None:
    with pytest.raises(ConfigError, match="mood"):
        distbench_run(Vote, {"n1": {"mood": 3}}, expect_failure=True)
    with pytest.raises(TypeError, match="distbench_seeds"):
        distbench_run(Vote, RING, seeds=range(3))
    with pytest.raises(DefinitionError):
        distbench_run(Algorithm, RING, expect_failure=True)


def test_ctrl_c_ends_the_tests_and_not_only_the_run(distbench_run: DistbenchRun) -> None:
    with pytest.raises(KeyboardInterrupt):
        distbench_run(Vote, {"n1": {"mood": "interrupted"}})


def test_the_check_of_the_algorithms_module_is_part_of_the_run(distbench_run: DistbenchRun) -> None:
    with pytest.raises(RunFailed, match="seed 0: check: one node starts an echo, not 0"):
        distbench_run("echo", {"n1": {}, "n2": {}})
    assert distbench_run("echo", {"n1": {}, "n2": {}}, check=False).deliveries == 0


def test_a_path_and_a_name_will_do(distbench_run: DistbenchRun) -> None:
    configs = Path(__file__).resolve().parent.parent.parent / "configs"
    result = distbench_run("echo", configs / "echo.yaml")
    assert agree(result, "heard") == "hello"


def test_what_all_nodes_report_is_returned() -> None:
    result = distbench.run(Vote, votes([1, "a"], [1, "a"]))
    assert agree(result, "vote") == [1, "a"]
    assert agree(result, "child.vote") == 2
    assert_reports(result, vote=[1, "a"], child={"vote": 2})
    assert_reports(result, "n2", **{"child.vote": 2})


def test_every_nodes_value_is_shown_where_they_differ() -> None:
    result = distbench.run(Vote, votes("yes", "no", "yes", None))
    with pytest.raises(AssertionError) as caught:
        agree(result, "vote")
    assert str(caught.value).splitlines() == [
        "the nodes do not agree on 'vote':",
        "    'yes': n1, n3",
        "    'no': n2",
        "    (not reported): n4",
    ]
    assert agree(result, "vote", ["n3", "n1"]) == "yes"


def test_a_report_that_differs_is_shown_for_all_nodes() -> None:
    result = distbench.run(Vote, votes("yes", "no", None))
    with pytest.raises(AssertionError) as caught:
        assert_reports(result, vote="yes")
    assert str(caught.value).splitlines() == [
        "2 of 3 nodes do not report vote='yes':",
        "    'yes': n1",
        "    'no': n2",
        "    (not reported): n3",
    ]
    with pytest.raises(AssertionError, match="the node does not report child='yes'"):
        assert_reports(result, "n2", vote="no", child="yes")


def test_a_field_that_nobody_reports_is_no_agreement() -> None:
    with pytest.raises(AssertionError, match="not reported"):
        agree(distbench.run(Vote, votes(None, None)), "vote")
    with pytest.raises(AssertionError, match="no node that could report 'vote'"):
        agree(distbench.run(Vote, votes(1)), "vote", [])


def test_a_crashed_node_need_not_agree() -> None:
    config = votes(1, 1, 1)
    config["n2"]["mood"] = "raises"
    result = distbench.run(Vote, config)
    assert agree(result, "vote") == 1
    with pytest.raises(AssertionError, match="not reported"):
        agree(result, "vote", ["n1", "n2"])


def test_a_mistaken_assertion_is_refused() -> None:
    result = distbench.run(Vote, votes(1))
    with pytest.raises(LookupError, match="no such node in this run: n7"):
        agree(result, "vote", ["n1", "n7"])
    with pytest.raises(TypeError, match="at least one field"):
        assert_reports(result, "n1")


@distbench.distbench
class Told(Algorithm):
    """Says something to the others: a word, or what no seed fixes."""

    leaks: bool = config_field(default=False)
    raises: bool = config_field(default=False)

    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.hear(str(object()) if self.leaks else "word")
        if self.raises:
            raise ValueError("no")

    @handler
    async def hear(self, src: PeerId, word: str) -> None:
        await self.terminate()


def test_an_audited_run_that_is_repeatable_is_returned_with_its_audit(distbench_run: DistbenchRun) -> None:
    result = distbench_run(Told, "complete:3", audit=True)
    assert result.audit is not None
    assert result.audit.repeatable


def test_a_run_that_is_not_repeatable_fails_the_test(distbench_run: DistbenchRun) -> None:
    with pytest.raises(RunFailed, match="not repeatable: event") as caught:
        distbench_run(Told, "complete:3", set="*.leaks=true", audit=True)
    assert "the text holds the address of an object" in str(caught.value)
    assert "it is not repeatable" in str(caught.value)


def test_a_run_that_must_fail_must_do_so_by_itself(distbench_run: DistbenchRun) -> None:
    failed = distbench_run(Told, "complete:3", set="*.raises=true", audit=True, expect_failure=True)
    assert failed.audit is not None
    assert failed.audit.repeatable
    with pytest.raises(RunFailed, match="not repeatable"):
        distbench_run(Told, "complete:3", set="*.leaks=true", audit=True, expect_failure=True)
