"""Every program does inside a simulated node, wherever its code stands there, what it does under plain asyncio."""

from __future__ import annotations

import pytest

from distbench import Outcome
from distbench.simulation.loop import SimLoop
from tests.node.inside import PLACES, run_inside
from tests.node.instant import run_plainly
from tests.node.programs import PROGRAMS

COUNT_ROUNDS = {"call_soon_in_order", "task_group_whose_child_fails_at_once", "task_starts_at_the_next_wait"}
"""Programs that notice when a wait takes one round of the loop more."""


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("place", PLACES)
def test_a_program_does_the_same_inside_a_node(place: str, name: str) -> None:
    wanted = run_plainly(PROGRAMS[name])
    notes, result = run_inside(place, PROGRAMS[name])
    assert notes == wanted
    assert (result.outcome, result.failures) == (Outcome.COMPLETED, ())


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - COUNT_ROUNDS))
@pytest.mark.parametrize("place", ["on_start", "handler that replies"])
def test_a_program_does_the_same_on_a_loop_that_cannot_begin_a_task_at_once(
    place: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the real modes: a handler that waits goes on in a task whose own first step comes later."""
    monkeypatch.delattr(SimLoop, "begin_task")
    wanted = run_plainly(PROGRAMS[name])
    notes, result = run_inside(place, PROGRAMS[name])
    assert notes == wanted
    assert (result.outcome, result.failures) == (Outcome.COMPLETED, ())
