"""The pytest plugin: the fixture ``distbench_run``, the marker ``distbench_seeds``, the option ``--distbench-seed``.

pytest loads this module in every project that shares an environment with distbench, so nothing of distbench is
imported before a test asks for it.
"""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import unittest
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

import pytest

if TYPE_CHECKING:
    from distbench.testing import DistbenchRun

_MARKER = "distbench_seeds"
_RUN: pytest.StashKey[DistbenchRun] = pytest.StashKey()
_SEEDS: pytest.StashKey[Sequence[int]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--distbench-seed=N``: what a failing test's report tells to use; ``--distbench-step-timeout=SECONDS``."""
    group = parser.getgroup("distbench")
    group.addoption(
        "--distbench-step-timeout",
        type=float,
        metavar="SECONDS",
        help="CPU time that one step of a node may take in runs of distbench_run that do not say so themselves; 0 for "
        "no limit.  [default: 60 s]",
    )
    group.addoption(
        "--distbench-seed",
        type=int,
        metavar="N",
        help="Run tests that use distbench_run with this one seed, in place of 0 and of those of distbench_seeds.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(seeds): run a test that uses distbench_run under many seeds, until one fails: a number of seeds "
        "from 0 on, or any iterable of seeds",
    )


@pytest.fixture
def distbench_run(request: pytest.FixtureRequest) -> DistbenchRun:
    """``distbench.run`` with the test's seed filled in; a run that fails fails the test, with its whole summary.

    ``expect_failure=True`` is for a run that must fail. ``distbench_run.seed`` is the seed.
    """
    return _run_of(request.node)


def _run_of(item: pytest.Item) -> DistbenchRun:
    found = item.stash.get(_RUN, None)
    if found is None:
        from distbench.testing import DistbenchRun

        limit = item.config.getoption("--distbench-step-timeout")
        options = {} if limit is None else {"step_timeout": limit}
        found = item.stash[_RUN] = DistbenchRun(item.config.getoption("--distbench-seed") or 0, **options)
    return found


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Read the marker of a test, and refuse one that would do nothing."""
    marker = item.get_closest_marker(_MARKER)
    if marker is None:
        return
    function = getattr(item, "obj", None)
    if not isinstance(item, pytest.Function) or issubclass(item.cls or object, unittest.TestCase):
        _refuse("repeats test functions only")
    if inspect.iscoroutinefunction(function):
        _refuse("repeats plain functions only; distbench_run needs no await, so write 'def' instead of 'async def'")
    only = item.config.getoption("--distbench-seed")
    seeds = _read_seeds(marker)
    item.stash[_SEEDS] = seeds if only is None else (only,)


def _read_seeds(marker: pytest.Mark) -> Sequence[int]:
    asked: object = marker.args[0] if len(marker.args) == 1 and not marker.kwargs else None
    seeds: Iterable[Any] = range(asked) if _is_number(asked) else asked if isinstance(asked, Iterable) else ()
    found = tuple(seeds)
    if not found or not all(map(_is_number, found)):
        _refuse("takes a number of seeds, such as 200, or several seeds, such as range(50, 60)")
    return found


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Let the function of a marked test stand for its repetition under each seed."""
    seeds = pyfuncitem.stash.get(_SEEDS, None)
    if seeds is None:
        return (yield)
    function = pyfuncitem.obj
    pyfuncitem.obj = functools.partial(_under_each_seed, pyfuncitem, function, seeds)
    try:
        return (yield)
    finally:
        pyfuncitem.obj = function


def _under_each_seed(
    item: pytest.Item, function: Callable[..., object], seeds: Sequence[int], /, **arguments: object
) -> None:
    """Call ``function`` with the fixture's seed set to each of ``seeds``; a failure ends it, with a note about it."""
    run = _run_of(item)
    for number, seed in enumerate(seeds, 1):
        run.seed, run.runs = seed, 0
        try:
            function(**arguments)
        except (Exception, pytest.fail.Exception) as error:
            place = f", number {number} of {len(seeds)}" if len(seeds) > 1 else ""
            error.add_note(f"distbench: seed {seed} failed{place}. {_replay(item, seed, later=number > 1)}")
            raise
        if not run.runs:
            _refuse("repeats the test function, which made no run with distbench_run; its fixtures are set up once")


def _refuse(why: str) -> NoReturn:
    pytest.fail(f"@pytest.mark.{_MARKER} {why}", pytrace=False)


def _replay(item: pytest.Item, seed: int, *, later: bool) -> str:
    """The command that runs one seed of a test again, and why it may pass then; ``later``: others ran before it."""
    hash_seed = os.environ.get("PYTHONHASHSEED", "random")
    fixed = hash_seed != "random"
    variable = f"PYTHONHASHSEED={hash_seed} " if fixed else ""
    _, colons, names = str(item.nodeid).partition("::")
    test = shlex.quote(os.path.relpath(item.path, item.config.invocation_params.dir) + colons + names)
    command = f"Replay it with\n    {variable}pytest {test} --distbench-seed={seed}"
    # A run from Python repeats for one hash seed, which the command line would have pinned.
    hints = [] if fixed else ["without PYTHONHASHSEED=0, sets of strings have a new order each time"]
    if later:
        hints.append("what the test keeps from seed to seed, in tmp_path or another fixture, is not there yet")
    return "\n".join([command, *(f"(If it passes then: {hint}.)" for hint in hints)])
