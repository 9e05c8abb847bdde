"""What is sent arrives: every supported type, in both formats."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench.formats import Format
from tests.messages.kinds import FORMATS, KINDS, round_trip, same

SINGLE = [(kinds, place) for kinds in KINDS.values() for place in range(len(kinds.single))]


@pytest.mark.parametrize("examples", [60, pytest.param(250, marks=pytest.mark.slow)])
@pytest.mark.parametrize("format", FORMATS)
def test_every_supported_type_comes_back_as_it_was(format: Format, examples: int) -> None:
    @settings(deadline=None, max_examples=examples)
    @given(typed=KINDS[format].values)
    def comes_back(typed: tuple[Any, Any]) -> None:
        annotation, value = typed
        found = round_trip(annotation, value, format)
        assert same(found, value), f"{value!r} as {annotation} came back as {found!r}"

    comes_back()


@settings(deadline=None, max_examples=len(SINGLE) * 6)
@given(data=st.data(), single=st.sampled_from(SINGLE))
def test_each_single_type_comes_back(data: st.DataObject, single: Any) -> None:
    kinds, place = single
    annotation, values = kinds.single[place]
    value = data.draw(values)
    found = round_trip(annotation, value, kinds.format)
    assert same(found, value), f"{kinds.format}: {value!r} as {annotation} came back as {found!r}"
