from __future__ import annotations

import pytest

import distbench
from distbench import Outcome, PeerId
from distbench.algorithms.simple_broadcast import SimpleBroadcast, SimpleBroadcastUpper, check
from distbench.testing import DistbenchRun, assert_reports
from tests.algorithms.runs import CONFIGS, SCHEDULES, Config, sent


@SCHEDULES
def test_all_are_told_once_and_the_sender_knows_it_under_every_schedule(
    distbench_run: DistbenchRun, latency: str | None
) -> None:
    result = distbench_run(SimpleBroadcastUpper, CONFIGS / "simple_broadcast.yaml", latency=latency)
    assert result.outcome is Outcome.COMPLETED
    assert sent(result) == 2
    assert result.deliveries == 4
    assert_reports(result, "node1", messages_received=0)
    assert_reports(result, ["node2", "node3"], messages_received=1, **{"broadcast.delivered": 1})


def test_the_lower_layer_works_alone() -> None:
    config: Config = {f"n{place}": {"is_sender": place == 1} for place in range(1, 6)}
    result = distbench.run(SimpleBroadcast, config)
    assert result.outcome is Outcome.COMPLETED
    assert [report["delivered"] for report in result.reports.values()] == [0, 1, 1, 1, 1]
    check(result)


def test_the_lower_layer_may_greet_by_itself_under_a_parent() -> None:
    result = distbench.run(SimpleBroadcastUpper, {"n1": {"broadcast": {"is_sender": True}}, "n2": {}})
    assert result.reports[PeerId("n2")]["messages_received"] == 1
    assert result.never_terminated == ("n1",)


def test_the_check_finds_a_node_that_does_not_wait_to_be_told() -> None:
    @distbench.distbench
    class Hasty(SimpleBroadcastUpper):
        async def on_start(self) -> None:
            await self.terminate()

    result = distbench.run(Hasty, CONFIGS / "simple_broadcast.yaml")
    with pytest.raises(AssertionError, match="never told"):
        check(result)
