"""From a node's end to what a result says of it, alike in all modes."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from distbench.community import PeerId
from distbench.config.model import RunConfig
from distbench.node.lifecycle import Phase
from distbench.node.node import Node, NodeFailure
from distbench.node.suspended import busy_at, sleeps, standing
from distbench.running.options import RunOptions
from distbench.running.result import End, Failure, Misfit, NodeResult, Outcome, RunResult, Suspended, Traffic
from distbench.running.signals import name_interrupt
from distbench.simulation.watching import Watch

logger = logging.getLogger("distbench.run")

FAILURE: Final = "distbench_failure"
"""The attribute of a log record that tells of a failure; it is made outside of the node's own steps."""


def failure_of(record: logging.LogRecord) -> Failure | None:
    """The failure of a node that a record tells of, if it does."""
    found = getattr(record, FAILURE, None)
    return found if isinstance(found, Failure) else None


def render_failure(failure: NodeFailure) -> Failure:
    """A failure for people; it is logged as well."""
    made = Failure(
        failure.node, failure.handler, failure.message, failure.at, failure.exception, failure.traceback
    )  # fmt: skip
    given = f" on {made.message}" if made.message else ""
    text = "%s.%s failed%s at %.6f s\n%s"
    logger.error(text, made.node, made.handler, given, made.at, made.traceback, extra={FAILURE: made})
    return made


def suspended_in(node: Node, tasks: Iterable[Any]) -> Iterator[Suspended]:
    """What still waits at a node: handlers and hooks, then those of ``tasks`` that it started itself."""
    if node.phase is Phase.CRASHED:
        return
    calls = node.calls.named()
    for task, job in node.running.items():
        if not task.done():
            where, line = standing(job.coro)
            waits_for = calls.get(getattr(task, "_fut_waiter", None)) or line
            yield Suspended(node.node_id, job.route.name, where, waits_for, sleeping=sleeps(job.coro))
    for task in tasks:
        if not task.done() and task not in node.running:
            coro = task.get_coro()
            where, line = standing(coro)
            waits_for = calls.get(getattr(task, "_fut_waiter", None)) or line
            name = task_name(task).removeprefix("task ")
            yield Suspended(node.node_id, name, where, waits_for, background=True, sleeping=sleeps(coro))


def drop_fails(config: RunConfig, options: RunOptions, src: PeerId, dst: PeerId) -> bool:
    """Whether a message that does not fit is a failure: not where one of the two runs another algorithm on purpose."""
    return not options.allow_drops and config.nodes[src].algorithm is None and config.nodes[dst].algorithm is None


def node_result(node: Node, config: RunConfig, options: RunOptions) -> NodeResult:
    """A node's end and counters."""
    end = End.TERMINATED if node.done else End.RUNNING
    if node.phase is Phase.CRASHED:
        end = End.CRASHED
    elif node.failed:
        end = End.FAILED
    return NodeResult(
        end=end,
        traffic={
            route.name: Traffic(route.messages_in, route.bytes_in, route.messages_out, route.bytes_out)
            for route in node.routes
            if route is not None
        },
        elapsed_time=node.now() if node.ended_at is None else node.ended_at,
        dropped=dict(node.drops.reasons),  # as it is now: late messages to a crashed node change nothing that was told
        algorithm=node.top.bound.definition.name,
        misfits=tuple(
            Misfit(*key, why, count, drop_fails(config, options, key.src, node.node_id))
            for key, why, count in node.drops.misfits()
        ),
    )


def task_name(task: Any) -> str:
    """How a task of an algorithm is called."""
    coro = task.get_coro() if hasattr(task, "get_coro") else None
    return f"task {getattr(coro, '__qualname__', None) or getattr(task, 'get_name', lambda: 'unknown')()}"


def describe_interrupt(interrupt: KeyboardInterrupt) -> str:
    """What interrupted a run, Ctrl-C or a signal by its name, and the line of the algorithm at which it came."""
    place = busy_at(traceback.walk_tb(interrupt.__traceback__))
    name = name_interrupt(interrupt)
    return f"{name}, at {place}" if place else name


def cut_short(result: RunResult, watch: Watch) -> RunResult:
    """``result``, as a timeout where a step of the run took too long, whatever else it came to."""
    if watch.cut is None or result.ended is Outcome.INTERRUPTED:
        return result
    return replace(result, ended=Outcome.TIMEOUT, reason=watch.cut)
