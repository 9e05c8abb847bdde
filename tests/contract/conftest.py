from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from distbench import RunResult
from tests.contract.play import MODES, REAL, play


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that plays does so in every mode; one that is marked so only in the real ones."""
    if "run" in metafunc.fixturenames:
        only_real = metafunc.definition.get_closest_marker("real_modes") is not None
        modes = REAL if only_real else MODES
        # Local mode tries nearly the same as network mode, and sooner; where there are many cases, it is slow as well.
        slow = ("network", "local") if getattr(metafunc.module, "MANY_CASES", False) else ("network",)
        marks = {mode: pytest.mark.slow if mode in slow else () for mode in modes}
        metafunc.parametrize("mode", [pytest.param(mode, marks=marks[mode]) for mode in modes])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_modes: about what only nodes in processes of their own can show")


@pytest.fixture
def run(mode: str) -> Callable[..., RunResult]:
    """``play`` in the mode of this test."""
    return functools.partial(play, mode)


@pytest.fixture
def offline() -> Callable[..., Any]:
    """``play`` in the simulation, to compare with."""
    return functools.partial(play, "offline")
