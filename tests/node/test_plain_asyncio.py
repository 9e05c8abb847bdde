"""Every program does inside a simulated node, wherever its code stands there, what it does under plain asyncio."""

from __future__ import annotations

import pytest

from distbench import Outcome
from tests.node.inside import PLACES, run_inside
from tests.node.instant import run_plainly
from tests.node.programs import PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("place", PLACES)
def test_a_program_does_the_same_inside_a_node(place: str, name: str) -> None:
    wanted = run_plainly(PROGRAMS[name])
    notes, result = run_inside(place, PROGRAMS[name])
    assert notes == wanted
    assert (result.outcome, result.failures) == (Outcome.COMPLETED, ())
