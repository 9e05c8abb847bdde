"""``--fail-fast``: a run ends at its first failure, in every mode."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

import distbench
from distbench import Algorithm, PeerId, RunResult, child_algorithm, config_field, handler
from distbench.testing import render_result
from tests.contract.play import nodes, play

Run = Callable[..., RunResult]
N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))


@distbench.distbench
class Lower(Algorithm):
    @handler
    async def hear(self, src: PeerId, msg: str) -> None: ...


@distbench.distbench
class Deaf(Lower):
    @handler
    async def other(self, src: PeerId, msg: str) -> None: ...

    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.other("what n2 has not")


@distbench.distbench
class Endless(Algorithm):
    """Goes on for ever; n2 fails in the way that it is told."""

    how: str = config_field(default="")
    lower: Lower = child_algorithm(Lower)

    async def on_start(self) -> None:
        if self.how == "start":
            raise ValueError("no")
        if self.how == "task":
            self.task = asyncio.get_running_loop().call_soon(int, "no")
        if self.how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        for peer in self.peers.values():
            await peer.ping(0)

    @handler
    async def ping(self, src: PeerId, number: int) -> None:
        if self.how == "handler" and number > 2:
            raise ValueError("no")
        await asyncio.sleep(0.001)
        await self.peers[src].ping(number + 1)


def check_stopped(result: RunResult) -> None:
    """It ended for a failure, long before its time was up."""
    assert (result.outcome, result.ended, result.exit_status) == ("failed", "failed", 1)
    assert result.reason == "the first failure ended the run (--fail-fast)"
    shown = render_result(result).splitlines()
    assert "failed: the first failure ended the run (--fail-fast)" in shown
    assert shown[-1].startswith("stopped at the first failure, 1 ")


@pytest.mark.parametrize("how", ["task", "handler"])
def test_a_run_ends_at_its_first_failure(run: Run, how: str) -> None:
    config = {**nodes(3), "n2": {"how": how}}
    result = run(Endless, config, fail_fast=True)
    check_stopped(result)
    assert [failure.node for failure in result.failures][:1] == [N2]
    assert result.nodes[N1].end == "never terminated"


@pytest.mark.parametrize("mode, how", [("offline", "start"), ("local", "start"), ("local", "die")])
def test_a_run_ends_when_a_node_is_gone(mode: str, how: str) -> None:
    check_stopped(play(mode, Endless, {**nodes(3), "n2": {"how": how}}, fail_fast=True))


def test_a_run_ends_at_its_first_drop_that_fails(run: Run) -> None:
    config: dict[str, Any] = {**nodes(2), "n1": {"lower": {"algorithm": f"{__name__}:Deaf"}}}
    check_stopped(run(Endless, config, fail_fast=True))
    allowed = run(Endless, config, fail_fast=True, allow_drops=True, duration=0.2)
    assert (allowed.outcome, allowed.exit_status) == ("completed", 0)


@pytest.mark.parametrize("mode", ["offline", "local"])
def test_without_it_the_others_go_on(mode: str) -> None:
    result = play(mode, Endless, {**nodes(3), "n2": {"how": "start"}}, duration=0.2)
    assert (result.outcome, result.ended) == ("failed", "completed")


def test_a_run_that_fails_nowhere_ends_as_it_would(run: Run) -> None:
    result = run(Endless, nodes(2), fail_fast=True, duration=0.2)
    assert (result.outcome, result.ended, result.exit_status) == ("completed", "completed", 0)


def test_nodes_that_have_not_started_yet_do_not_start_any_more_and_report_nothing() -> None:
    @distbench.distbench
    class Starts(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                raise ValueError("no")
            self.number = 1

        async def on_exit(self) -> None:
            self.number += 1

        async def report(self) -> dict[str, object]:
            return {"number": self.number}

    result = distbench.run(Starts, nodes(3), fail_fast=True)
    assert [failure.node for failure in result.failures] == [N1]
    assert dict(result.reports) == {}


def test_a_run_that_was_stopped_is_not_checked(tmp_path: Any) -> None:
    path = tmp_path / "checked.py"
    path.write_text(
        "from distbench import Algorithm, distbench\n\n"
        "@distbench\nclass Fails(Algorithm):\n"
        "    async def on_start(self):\n        raise ValueError('no')\n\n"
        "def check(result):\n    assert False, 'not all have decided'\n"
    )
    assert distbench.run(str(path), nodes(2)).check_error is not None
    assert distbench.run(str(path), nodes(2), fail_fast=True).check_error is None


def test_each_of_many_seeds_ends_at_its_first_failure() -> None:
    many = distbench.run(Endless, {**nodes(3), "n2": {"how": "handler"}}, seeds=range(3), fail_fast=True)
    assert (many.exit_status, many.runs[0].ended, many.runs[0].outcome) == (1, "failed", "failed")
    assert many.replays is True
