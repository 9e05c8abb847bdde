from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench
from distbench import Outcome, PeerId, RunResult, handler
from distbench.algorithms.chang_roberts import ChangRoberts, Elected, check
from distbench.testing import DistbenchRun, assert_reports
from tests.algorithms.runs import CONFIGS, LATENCIES, SCHEDULES, ring, sent

NUMBERS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=12, unique=True)


def promised(numbers: Sequence[int]) -> int:
    """The sum of the distances to the next higher number, n for the highest, and n announcements."""
    size = len(numbers)
    distances = [
        next(step for step in range(1, size + 1) if step == size or numbers[(place + step) % size] > number)
        for place, number in enumerate(numbers)
    ]
    return sum(distances) + size


def assert_elected(result: RunResult, numbers: Sequence[int]) -> None:
    assert result.outcome is Outcome.COMPLETED
    assert_reports(result, leader=max(numbers))
    check(result)


@SCHEDULES
def test_the_highest_wins_and_the_messages_are_as_promised_under_every_schedule(
    distbench_run: DistbenchRun, latency: str | None
) -> None:
    numbers = random.Random(distbench_run.seed).sample(range(1000), 2 + distbench_run.seed % 9)
    result = distbench_run(ChangRoberts, ring(numbers), latency=latency)
    assert_elected(result, numbers)
    assert sent(result) == promised(numbers)


@given(NUMBERS, st.sampled_from(LATENCIES), st.integers(0, 2**32))
def test_every_ring_in_every_order_sends_the_same_number_of_messages(
    numbers: list[int], latency: str | None, seed: int
) -> None:
    result = distbench.run(ChangRoberts, ring(numbers), seed=seed, latency=latency)
    assert_elected(result, numbers)
    assert sent(result) == promised(numbers)


@given(NUMBERS, st.data())
def test_the_highest_wins_whoever_starts(numbers: list[int], data: st.DataObject) -> None:
    config = ring(numbers, is_initiator=False)
    for starter in data.draw(st.sets(st.sampled_from(sorted(config)), min_size=1)):
        config[starter]["is_initiator"] = True
    result = distbench.run(ChangRoberts, config, seed=data.draw(st.integers(0, 99)))
    assert_elected(result, numbers)
    assert sent(result) <= promised(numbers)


def test_the_docstring_counts_rising_and_falling_rings() -> None:
    size = 9
    for numbers, count in ((range(size), 3 * size - 1), (range(size, 0, -1), size * (size + 1) // 2 + size)):
        assert promised(numbers) == count
        assert sent(distbench.run(ChangRoberts, ring(numbers))) == count


def test_without_numbers_the_natural_order_of_the_names_decides() -> None:
    config: dict[str, dict[str, object]] = {f"n{i}": {"neighbours": [f"n{i % 11 + 1}"]} for i in range(1, 12)}
    result = distbench.run(ChangRoberts, config)
    assert {report["leader"] for report in result.reports.values()} == {11}
    assert result.reports[PeerId("n11")]["number"] == 11


def test_the_config_elects_42() -> None:
    assert_elected(distbench.run(ChangRoberts, CONFIGS / "chang_roberts.yaml"), [17, 4, 42, 8, 23])


def test_a_ring_of_one_leads_itself_without_a_message() -> None:
    result = distbench.run(ChangRoberts, ring([7]))
    assert_elected(result, [7])
    assert result.deliveries == 0


def test_what_is_no_ring_is_refused_with_the_reason() -> None:
    result = distbench.run(ChangRoberts, {"n1": {}, "n2": {}, "n3": {}})
    assert result.exit_status == 1
    assert "n1 must list its successor and nobody else" in result.failures[0].exception


def test_the_check_finds_a_node_that_follows_itself() -> None:
    @distbench.distbench
    class Vain(ChangRoberts):
        @handler
        async def elected(self, src: PeerId, msg: Elected) -> None:
            await super().elected(src, msg)
            self.leader = self.number

    result = distbench.run(Vain, CONFIGS / "chang_roberts.yaml")
    with pytest.raises(AssertionError, match="n1 follows 17, the highest is 42"):
        check(result)
