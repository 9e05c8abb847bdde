"""For tests and notebooks: assertions over reports, a result as text, and what the fixture ``distbench_run`` is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from distbench.algorithm import Algorithm
from distbench.community import PeerId
from distbench.errors import RunFailed
from distbench.report.notes import join_names
from distbench.report.summary import render_summary
from distbench.running.api import run
from distbench.running.preparing import ConfigSource
from distbench.running.result import End, Outcome, RunResult

__all__ = ["DistbenchRun", "RunFailed", "agree", "assert_reports", "render_result"]

_ABSENT: Final = object()


class DistbenchRun:
    """``distbench.run`` for a test: it fills in the test's seed, and a run that fails fails the test."""

    def __init__(self, seed: int, **options: Any) -> None:
        """``options`` of ``distbench.run`` are what a call leaves unsaid."""
        self._options = options
        self.seed = seed
        """The seed of the test's runs; under ``distbench_seeds`` each in turn."""
        self.runs = 0
        """Runs made with this seed."""

    def __call__(
        self,
        algorithm: type[Algorithm] | str,
        config: ConfigSource,
        *,
        expect_failure: bool = False,
        **options: Any,
    ) -> RunResult:
        """Run it; ``options`` are those of ``distbench.run``.

        ``RunFailed`` shows the whole summary where the exit status is not 0. With ``expect_failure=True`` it is the
        other way round: a run that does not fail fails the test. With ``audit=True`` so does one that is not
        repeatable, in either case.
        """
        __tracebackhide__ = True
        if "seeds" in options:
            raise TypeError("distbench_run makes one run; for many, mark the test @pytest.mark.distbench_seeds(200)")
        self.runs += 1
        result: RunResult = run(algorithm, config, **{"seed": self.seed, **self._options, **options})
        if result.outcome is Outcome.INTERRUPTED:
            raise KeyboardInterrupt
        if result.audit is not None and result.audit.difference is not None:
            text = f"the run with seed {result.seed}: {result.audit.complaint}\n\n{render_result(result)}"
            raise RunFailed(text, result)
        if result.ok is expect_failure:
            wrong = f"should have failed, but ended as {result.outcome}" if expect_failure else result.problem
            raise RunFailed(f"the run with seed {result.seed}: {wrong}\n\n{render_result(result)}", result)
        return result


def agree(result: RunResult, field: str, nodes: Iterable[str] | None = None) -> object:
    """The value that all nodes report for ``field``; an AssertionError that shows every node's where they differ.

    A dot leads into a child's report (``broadcast.delivered``). Without ``nodes``, all nodes that did not crash.
    """
    __tracebackhide__ = True
    values = _values(result, field, nodes)
    first = next(iter(values.values()))
    if first is _ABSENT or any(value is _ABSENT or value != first for value in values.values()):
        raise AssertionError(f"the nodes do not agree on {field!r}:\n{_by_value(values)}")
    return first


def assert_reports(result: RunResult, nodes: Iterable[str] | str | None = None, /, **expected: object) -> None:
    """Assert that each node reports these values; an AssertionError shows every node's.

    ``nodes`` is one node, or several; without it, all nodes that did not crash. A child's field is written
    ``**{"broadcast.delivered": 1}``.
    """
    __tracebackhide__ = True
    if not expected:
        raise TypeError("assert_reports() needs at least one field to look at, such as leader='n3'")
    wrong = []
    for field, value in expected.items():
        values = _values(result, field, [nodes] if isinstance(nodes, str) else nodes)
        count = sum(found is _ABSENT or found != value for found in values.values())
        if count:
            who = f"{count} of {len(values)} nodes do not report" if len(values) > 1 else "the node does not report"
            wrong.append(f"{who} {field}={value!r}:\n{_by_value(values)}")
    if wrong:
        raise AssertionError("\n".join(wrong))


def render_result(result: RunResult) -> str:
    """What the command line prints of a run, without colours: the table, the notes and the last line."""
    return render_summary(result, width=None, colour=False)


def _values(result: RunResult, field: str, nodes: Iterable[str] | None) -> dict[PeerId, object]:
    """What each of the nodes reports; ``_ABSENT`` where it does not."""
    if nodes is None:
        chosen = [node for node, one in result.nodes.items() if one.end is not End.CRASHED]
    else:
        chosen = [PeerId(node) for node in nodes]
    unknown = [node for node in chosen if node not in result.nodes]
    if unknown:
        raise LookupError(f"no such node in this run: {join_names(unknown)}")
    if not chosen:
        raise AssertionError(f"there is no node that could report {field!r}")
    return {node: _look_up(result.reports.get(node, {}), field) for node in chosen}


def _look_up(report: Mapping[str, object], field: str) -> object:
    if field in report:
        return report[field]
    child, dot, rest = field.partition(".")
    inner = report.get(child)
    return _look_up(inner, rest) if dot and isinstance(inner, Mapping) else _ABSENT


def _by_value(values: Mapping[PeerId, object]) -> str:
    """One line for each value, with the nodes that report it."""
    groups: dict[str, list[str]] = {}
    for node, value in values.items():
        groups.setdefault("(not reported)" if value is _ABSENT else repr(value), []).append(node)
    return "\n".join(f"    {value}: {join_names(nodes)}" for value, nodes in groups.items())
