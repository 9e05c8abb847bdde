"""Results made by hand, as a run would leave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distbench.community import PeerId
from distbench.running.result import End, NodeResult, Outcome, RunResult, Traffic


def node(end: End = End.TERMINATED, traffic: Mapping[str, Traffic] | None = None, **rest: Any) -> NodeResult:
    """One node's end; without traffic of its own it took two messages and sent one."""
    if traffic is None:
        traffic = {"vote": Traffic(messages_in=2, bytes_in=20, messages_out=1, bytes_out=10)}
    return NodeResult(end=end, traffic=traffic, elapsed_time=0.5, algorithm="Vote", **rest)


def result(
    nodes: Mapping[str, NodeResult],
    reports: Mapping[str, dict[str, object]] | None = None,
    ended: Outcome = Outcome.COMPLETED,
    **rest: Any,
) -> RunResult:
    """A run over ``nodes`` that took 0.25 virtual and 0.5 wall seconds for 100 deliveries."""
    values: dict[str, Any] = {
        "seed": 0,
        "mode": "offline",
        "virtual_time": 0.25,
        "wall_time": 0.5,
        "deliveries": 100,
        "hash_seed": "0",
    }
    values.update(rest)
    return RunResult(
        ended=ended,
        nodes={PeerId(name): one for name, one in nodes.items()},
        reports={PeerId(name): report for name, report in (reports or {}).items()},
        **values,
    )
