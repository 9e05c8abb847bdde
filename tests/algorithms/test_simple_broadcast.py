from __future__ import annotations

import pytest

import distbench
from distbench import Outcome, PeerId
from distbench.algorithms.simple_broadcast import SimpleBroadcast, SimpleBroadcastUpper, check
from tests.algorithms.runs import CONFIGS, LATENCIES, Config, runs, sent


@pytest.mark.parametrize("latency", LATENCIES)
def test_all_are_told_once_and_the_sender_knows_it_under_every_schedule(latency: str | None) -> None:
    for result in runs(SimpleBroadcastUpper, CONFIGS / "simple_broadcast.yaml", latency):
        assert result.outcome is Outcome.COMPLETED
        assert sent(result) == 2
        assert result.deliveries == 4
        assert {node: report["messages_received"] for node, report in result.reports.items()} == {
            "node1": 0,
            "node2": 1,
            "node3": 1,
        }
        assert result.reports[PeerId("node2")]["broadcast"] == {"delivered": 1}
        check(result)


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
