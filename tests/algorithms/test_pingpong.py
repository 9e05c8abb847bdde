from __future__ import annotations

import pytest

import distbench
from distbench import Outcome, PeerId, handler
from distbench.algorithms.pingpong import Ping, PingPong, check
from distbench.running.result import End
from distbench.testing import DistbenchRun, assert_reports
from tests.algorithms.runs import CONFIGS, SCHEDULES, sent

N1, N2 = PeerId("n1"), PeerId("n2")


@SCHEDULES
def test_every_ping_is_answered_and_only_the_initiator_knows_the_end(
    distbench_run: DistbenchRun, latency: str | None
) -> None:
    result = distbench_run(PingPong, CONFIGS / "pingpong.yaml", latency=latency)
    assert result.outcome is Outcome.QUIESCENT
    assert (result.nodes[N1].end, result.nodes[N2].end) == (End.TERMINATED, End.RUNNING)
    assert_reports(result, "n1", am_initiator=True, pings_received=0, pongs_received=11)
    assert_reports(result, "n2", am_initiator=False, pings_received=11, pongs_received=0)
    assert sent(result) == 22
    assert result.deliveries == 33


def test_two_initiators_play_two_games_and_complete() -> None:
    result = distbench.run(PingPong, {"n1": {"initiator": True}, "n2": {"initiator": True, "max_rounds": 2}})
    assert result.outcome is Outcome.COMPLETED
    assert [report["pongs_received"] for report in result.reports.values()] == [6, 3]


def test_a_lonely_initiator_terminates() -> None:
    result = distbench.run(PingPong, {"n1": {"initiator": True}})
    assert (result.outcome, result.deliveries) == (Outcome.COMPLETED, 0)


def test_the_check_finds_a_ping_without_a_pong() -> None:
    @distbench.distbench
    class Clumsy(PingPong):
        @handler
        async def ping(self, src: PeerId, msg: Ping) -> str:
            if msg.sequence < 3:
                return await super().ping(src, msg)
            self.pings_received += 1
            return "dropped the ball"

    result = distbench.run(Clumsy, CONFIGS / "pingpong.yaml")
    with pytest.raises(AssertionError, match="4 pings were answered by 3 pongs"):
        check(result)
