"""What two values that differ are taken for."""

from __future__ import annotations

import pytest

from distbench.running.audit.likeness import hints

BEGIN = {"pid": 4321, "time": 1_795_600_000.0, "monotonic": 20_000.0}
OTHER = {"pid": 4322, "time": 1_795_600_001.0, "monotonic": 20_001.0}


@pytest.mark.parametrize(
    "one, other, looks",
    [
        (4321, 4322, "numbers of the two processes"),
        ("process 4321", "process 4322", "numbers of the two processes"),
        (1_795_600_002.5, 1_795_600_003.5, "close to the real time"),
        (1_795_600_002_500, 1_795_600_003_500, "close to the real time"),
        ("at 1795600002500000000", "at 1795600003500000000", "close to the real time"),
        (20_003.0, 20_004.5, "a real clock shows"),
        ([1, 2, 3], [3, 1, 2], "in another order"),
        ("<T object at 0x7f1890c28550>", "<T object at 0x556a88e773b0>", "address of an object"),
        (139768159162704, 94363252320352, "as id() gives them"),
        ("2020-01-01T00:00:00", "2020-01-01T05:45:00", "time zones"),
        (1577836800.0, 1577816100.0, "time zones"),
    ],
)
def test_values_are_taken_for_what_they_look_like(one: object, other: object, looks: str) -> None:
    (found,) = hints(one, other, BEGIN, OTHER)
    assert looks in found


@pytest.mark.parametrize(
    "one, other",
    [(1, 2), ("yes", "no"), ([1, 2], [1, 3]), (True, False), (None, 5), (4321, 17), ("2020-01-01", "2021-01-01")],
)
def test_nothing_is_said_of_values_that_look_like_nothing(one: object, other: object) -> None:
    assert list(hints(one, other, BEGIN, OTHER)) == []


def test_a_process_that_said_nothing_of_itself_gives_no_hint() -> None:
    assert list(hints(1, 2, {}, {})) == []
