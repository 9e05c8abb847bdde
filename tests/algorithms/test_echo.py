from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench
from distbench import Outcome
from distbench.algorithms.echo import Echo, Wave, check
from distbench.testing import DistbenchRun, assert_reports
from tests.algorithms.runs import CONFIGS, SCHEDULES, Edge, connected, network, sent


@SCHEDULES
def test_the_wave_reaches_all_and_comes_back_under_every_schedule(
    distbench_run: DistbenchRun, latency: str | None
) -> None:
    result = distbench_run(Echo, CONFIGS / "echo.yaml", latency=latency)
    assert result.outcome is Outcome.COMPLETED
    assert sent(result) == 2 * 3 - 2
    assert result.deliveries == 2 * sent(result)
    assert_reports(result, heard="hello")
    assert_reports(result, "n1", parent=None, reached=2)


@given(connected(), st.data())
def test_every_connected_network_sends_the_promised_number_of_requests(
    graph: tuple[int, list[Edge]], data: st.DataObject
) -> None:
    size, edges = graph
    config = network(size, edges)
    config[f"n{data.draw(st.integers(1, size))}"]["start_node"] = True
    result = distbench.run(Echo, config, seed=data.draw(st.integers(0, 99)))
    assert result.outcome is Outcome.COMPLETED
    assert sent(result) == 2 * len(edges) - (size - 1)
    check(result)


def test_without_a_starter_nothing_happens() -> None:
    result = distbench.run(Echo, {"n1": {}, "n2": {}})
    assert (result.ended, result.deliveries) == (Outcome.QUIESCENT, 0)


def test_the_check_finds_a_starter_that_does_not_wait_for_the_echo() -> None:
    @distbench.distbench
    class Impatient(Echo):
        async def spread(self, wave: Wave) -> None:
            await super().spread(wave)
            self.reached = 0

    result = distbench.run(Impatient, CONFIGS / "echo.yaml")
    with pytest.raises(AssertionError, match="n1 counted 0 other nodes"):
        check(result)
