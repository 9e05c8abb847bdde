"""A random asyncio program does inside a simulated node what it does under plain asyncio."""

from __future__ import annotations

from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from tests.node.inside import PLACES, run_inside
from tests.node.instant import run_plainly
from tests.node.random_programs import Body, bodies, program_of, walk


@settings(max_examples=100, deadline=None)
@given(bodies, st.sampled_from(PLACES))
def test_a_random_program_does_the_same_inside_a_node(body: Body, place: str) -> None:
    assume(sum(1 for _ in walk(body)) <= 25)
    try:
        wanted = run_plainly(program_of(body))
    except RecursionError:  # tasks that wait for each other in a ring: asyncio itself cannot cancel them
        reject()
    notes, _ = run_inside(place, program_of(body))
    assert notes == wanted
