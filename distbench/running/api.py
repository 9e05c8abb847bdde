"""``distbench.run``: a run from Python, or one for each of many seeds."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, overload

from distbench.algorithm import Algorithm
from distbench.errors import ConfigError
from distbench.running.options import (
    DEFAULT_STEP_TIMEOUT,
    Format,
    Latency,
    LinkRoom,
    RunOptions,
    check_seed,
    parse_latency,
)
from distbench.running.preparing import ConfigSource, Plan, load_class, read_config
from distbench.running.result import Outcome, RunResult

if TYPE_CHECKING:
    from distbench.running.audit.verdict import Audit
    from distbench.running.seeds import SeedsResult

logger = logging.getLogger("distbench.run")

__all__ = ["load_class", "read_config", "run"]

Mode = Literal["offline", "local"]


@overload
def run(
    algorithm: type[Algorithm] | str,
    config: ConfigSource,
    *,
    mode: Mode = "offline",
    port_base: int = 0,
    startup_timeout: float | None = None,
    link_limit: float | None = None,
    seed: int = 0,
    seeds: None = None,
    format: Format = "json",
    latency: str | Latency | None = None,
    link_room: LinkRoom | None = None,
    timeout: float | None = None,
    startup_delay: float = 0.0,
    duration: float | None = None,
    max_events: int = 100_000_000,
    step_timeout: float = DEFAULT_STEP_TIMEOUT,
    digest: bool = False,
    audit: bool = False,
    allow_drops: bool = False,
    fail_fast: bool = False,
    set: str | Sequence[str] = (),
    assign: str | Sequence[str] = (),
    check: bool = True,
) -> RunResult: ...
@overload
def run(
    algorithm: type[Algorithm] | str,
    config: ConfigSource,
    *,
    seeds: Iterable[int],
    keep_going: bool = False,
    jobs: int | None = None,
    format: Format = "json",
    latency: str | Latency | None = None,
    link_room: LinkRoom | None = None,
    timeout: float | None = None,
    startup_delay: float = 0.0,
    duration: float | None = None,
    max_events: int = 100_000_000,
    step_timeout: float = DEFAULT_STEP_TIMEOUT,
    digest: bool = False,
    audit: bool = False,
    allow_drops: bool = False,
    fail_fast: bool = False,
    set: str | Sequence[str] = (),
    assign: str | Sequence[str] = (),
    check: bool = True,
) -> SeedsResult: ...
def run(
    algorithm: type[Algorithm] | str,
    config: ConfigSource,
    *,
    mode: Mode = "offline",
    port_base: int = 0,
    startup_timeout: float | None = None,
    link_limit: float | None = None,
    seed: int = 0,
    seeds: Iterable[int] | None = None,
    keep_going: bool = False,
    jobs: int | None = None,
    format: Format = "json",
    latency: str | Latency | None = None,
    link_room: LinkRoom | None = None,
    timeout: float | None = None,
    startup_delay: float = 0.0,
    duration: float | None = None,
    max_events: int = 100_000_000,
    step_timeout: float = DEFAULT_STEP_TIMEOUT,
    digest: bool = False,
    audit: bool = False,
    allow_drops: bool = False,
    fail_fast: bool = False,
    set: str | Sequence[str] = (),
    assign: str | Sequence[str] = (),
    check: bool = True,
) -> RunResult | SeedsResult:
    """Run it once and say what happened, or, with ``seeds``, simulate one run for each of them.

    ``algorithm`` is a class, or a name as for ``-a``; ``config`` is a path, a generator such as ``'ring:16'``, or
    what a file would say, changed by ``set`` (``'n1.initiator=true'``) and ``assign`` (``'node_id=shuffled'``). Times
    are seconds, ``latency`` is milliseconds (``'10-50'``). Works inside a notebook's cell.

    ``link_room`` is how many messages can be on their way over one link of a simulation before casts and requests wait
    to be sent: a number, or ``'none'``, and they never wait. Where it is not given, the seed decides between none, 512,
    64, 8 and 2; for seed 0 it is none.

    ``mode='local'`` runs every node as a process of its own, over TCP on ports from ``port_base`` on (0: free ones);
    its ``timeout`` is wall time. Where the nodes do not come up, it raises StartupError.

    ``step_timeout`` is the CPU time that one step of a simulated node may take: a handler that never ends makes the run
    a timeout, whose ``reason`` names the line. It depends on the machine; 0 is no limit, and under a debugger there is
    none.

    A run that fails does not raise: look at ``ok``, ``outcome`` and ``failures``, or call ``raise_if_failed()`` of the
    result. Nor does the function ``check(result)`` of the algorithm's module, which is called after the run: see
    ``check_error``; with ``check=False`` it is left out. ``fail_fast=True`` ends a run at its first failure;
    ``allow_drops=True`` lets messages pass that a node dropped because they did not fit it, which else fail the run.

    ``seeds=range(200)`` shares the runs among ``jobs`` processes, as many as there are cores unless said otherwise (1:
    all in this process), and ends at the first seed that fails, or goes through all of them with ``keep_going=True``.

    ``audit=True`` plays the run twice more, in copies of this process that differ in all that must not matter: see
    ``audit`` of the result. A run that is not repeatable has failed. With ``seeds``, up to 10 of them are audited.
    """
    if format not in ("json", "msgpack"):
        raise ConfigError(f"format {format!r} is not known; use 'json' or 'msgpack'")
    if mode not in ("offline", "local"):
        raise ConfigError(f"mode {mode!r} is not known here; use 'offline' or 'local'")
    if mode != "offline" and audit:
        raise ConfigError("an audit is for offline mode: nothing repeats a run of real processes")
    if mode != "offline" and seeds is not None:
        raise ConfigError("many seeds are for offline mode: a seed does not fix a run of real processes")
    options = RunOptions(
        format=format,
        seed=seed,
        latency=parse_latency(latency) if isinstance(latency, str) else latency,
        link_room=link_room,
        timeout=timeout,
        startup_delay=startup_delay,
        duration=duration,
        max_events=max_events,
        step_timeout=step_timeout,
        digest=digest,
        allow_drops=allow_drops,
        fail_fast=fail_fast,
    )

    wanted = None if seeds is None else _seeds(seeds, seed)
    plan = Plan(
        algorithm,
        config,
        options if not wanted else replace(options, seed=wanted[0]),
        settings=_texts("set", set, "n1.initiator=true"),
        assignments=_texts("assign", assign, "node_id=shuffled"),
        check=check,
    )
    plan.require_asserts()
    if plan.started is not None:
        first = next(iter(plan.config(plan.options.seed).nodes))
        logger.info("%s.%s=true: a generated config starts its first node", first, plan.started)
    if mode == "local":
        from distbench.running.local import run_local

        nodes = plan.config(seed)
        result = run_local(
            plan.definition,
            nodes,
            options,
            load_class,
            port_base=port_base,
            startup_timeout=startup_timeout,
            link_limit=link_limit,
        )
        return plan.checked(result, nodes)
    if wanted is None:
        result = plan.run_offline(seed)
        return (
            replace(result, audit=_audit(plan, [seed])[0])
            if audit and result.ended is not Outcome.INTERRUPTED
            else result
        )
    from distbench.running.seeds import run_seeds

    many = run_seeds(plan, wanted, keep_going=keep_going, jobs=jobs)
    if audit and many.runs and not many.interrupted:
        many = replace(many, audits=_audit(plan, sorted(run.seed for run in many.runs)))
    return many


def _audit(plan: Plan, seeds: Sequence[int]) -> tuple[Audit, ...]:
    """Audit some of ``seeds``."""
    from distbench.running.audit.engine import audit, sample
    from distbench.running.audit.sides import Forked

    start = Forked(plan)
    return tuple(audit(plan, seed, start) for seed in sample(seeds))


def _seeds(seeds: Any, seed: int) -> Sequence[int]:
    """Each of ``seeds`` once, in their order."""
    if seed != 0:
        raise ConfigError("give seed or seeds, not both")
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise ConfigError(f"seeds {seeds!r} cannot be used: write for instance range(5)")
    wanted = seeds if isinstance(seeds, range) else tuple(dict.fromkeys(seeds))
    for each in (*wanted[:1], *wanted[-1:]) if isinstance(wanted, range) else wanted:
        check_seed(each)
    return wanted


def _texts(name: str, given: Any, example: str) -> Sequence[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise ConfigError(f"{name} takes texts such as {example!r}, not {given!r}")
    return texts
