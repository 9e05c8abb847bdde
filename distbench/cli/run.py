"""``distbench run``: run an algorithm over the nodes of a config."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import click
from click.core import ParameterSource

from distbench.cli.modes import MODES, ModeOptions
from distbench.cli.options import Command
from distbench.cli.output import note, show
from distbench.cli.run_options import RANDOM, RUN_OPTIONS
from distbench.errors import ConfigError
from distbench.report.logs import Logs, logs
from distbench.report.style import wants_colour, wants_status
from distbench.running.options import Format, Latency, LinkRoom, RunOptions

if TYPE_CHECKING:
    from distbench.community import PeerId
    from distbench.report.files import ReportFiles
    from distbench.report.nodelogs import NodeLogs
    from distbench.report.status import StatusLine
    from distbench.running.gauge import Gauge

_ONLY_IN: Final = {
    "port_base": ("local", "network"),
    "bind": ("network",),
    "node_id": ("network",),
    "keys": ("network",),
    "startup_timeout": ("local", "network"),
    "link_limit": ("local", "network"),
    "link_room": ("offline",),
    "max_events": ("offline",),
    "step_timeout": ("offline",),
    "digest": ("offline",),
}
"""Options that some mode does not know."""
_NOT_WITH_AUDIT: Final = ("verbose", "digest", "report_dir", "log_dir")
_NOT_WITH_SEEDS: Final = ("verbose", "log_dir")
_ONLY_WITH_SEEDS: Final = ("keep_going", "jobs")


def run(
    *,
    config: str,
    algorithm: str,
    mode: str,
    settings: Sequence[str],
    assignments: Sequence[str],
    format: Format,
    latency: Latency | None,
    link_room: LinkRoom | None,
    seed: int | Literal["random"],
    startup_delay: float,
    no_check: bool,
    allow_drops: bool,
    fail_fast: bool,
    seeds: Sequence[int] | None,
    keep_going: bool,
    jobs: int | None,
    timeout: float | None,
    duration: float | None,
    max_events: int,
    step_timeout: float,
    verbose: int,
    quiet: int,
    as_json: bool,
    digest: bool,
    audit: bool,
    report_dir: str | None,
    log_dir: str | None,
    port_base: int | None,
    node_id: str | None,
    bind: str | None,
    startup_timeout: float | None,
    keys: str | None,
    link_limit: float | None,
) -> int:
    """Run it, print what happened, and return the exit status."""
    from distbench.running.preparing import Plan

    context = click.get_current_context()
    side = None
    if audit:
        from distbench.cli.audit import take_side

        if (side := take_side()) is not None:
            seed, seeds = side.seed, None
    if side is None:
        _check_options(context, mode)
    options = RunOptions(
        format=format,
        seed=seeds[0] if seeds else _pick() if seed == RANDOM else seed,
        latency=latency,
        link_room=link_room,
        timeout=timeout,
        startup_delay=startup_delay / 1000,
        duration=duration,
        max_events=max_events,
        step_timeout=step_timeout,
        digest=digest,
        allow_drops=allow_drops,
        fail_fast=fail_fast,
    )
    mode_options = ModeOptions(
        port_base=port_base,
        node_id=node_id,
        bind=bind,
        startup_timeout=startup_timeout,
        keys=keys,
        link_limit=link_limit,
    )
    make = partial(Plan, algorithm, config, options, settings=settings, assignments=assignments, check=not no_check)
    if side is not None:
        return side.play(make)
    with ExitStack() as stack:
        status = _status_line() if quiet < 2 else None  # one -q asks for no logs, which it is none of
        log = _open_output(stack, status, verbose=verbose, quiet=bool(quiet), as_json=as_json)
        if mode == "offline":
            from distbench.running.offline import before_imports

            stack.enter_context(before_imports())
        plan = make()
        log.settle()
        nodes = plan.config(options.seed)
        # A process that is one node writes that node's files only, even where it knows how all fared.
        own = [name for name in nodes.nodes if mode != "network" or name == node_id]
        reports = _report_files(report_dir, own)
        first = next(iter(nodes.nodes))
        leads = mode != "network" or node_id == first  # of many processes, the one that speaks for all
        if leads:
            plan.require_asserts()
        if plan.started is not None and leads and not quiet:
            note(f"{first}.{plan.started}=true: a generator's first node starts; change it with --set")
        if seeds is not None:
            from distbench.cli.many import run_many

            done = run_many(plan, seeds, keep_going=keep_going, jobs=jobs, status=status, reports=reports)
            if audit and not done.interrupted:
                from distbench.cli.audit import run_audits

                ran = sorted(run.seed for run in done.runs)
                done = replace(done, audits=run_audits(plan, ran, context.obj, status))
        elif audit:
            from distbench.cli.audit import run_audits

            (audited,) = run_audits(plan, [options.seed], context.obj, status)
        else:
            files = _node_logs(log_dir, own, log, names=verbose >= 3)
            if status is not None:
                mode_options = replace(mode_options, gauge=_watch(stack, status))
            result = MODES[mode](plan.definition, nodes, options, mode_options)
            result = plan.checked(result, nodes)
    if seeds is not None:
        from distbench.cli.many import show_many

        show_many(done, context, config=config, algorithm=algorithm, quiet=quiet, as_json=as_json)
        return done.exit_status
    if audit:
        from distbench.cli.audit import show_audit

        show_audit(audited, context, config=config, algorithm=algorithm, quiet=quiet, as_json=as_json)
        return audited.exit_status
    try:
        logged = log.has_shown(result)
        show(
            result,
            context,
            config=config,
            algorithm=algorithm,
            quiet=quiet,
            verbose=verbose,
            as_json=as_json,
            logged=logged,
        )
    finally:  # what was asked for in files is written, even where nobody reads stdout
        if reports is not None:
            reports.append(result)
        if files is not None:
            files.close()
    return result.exit_status


def _open_output(stack: ExitStack, status: StatusLine | None, *, verbose: int, quiet: bool, as_json: bool) -> Logs:
    """Logs to stderr, and what algorithms print out of the way: of a live line, or of a JSON document."""
    stderr, stdout = sys.stderr, sys.stdout
    log = logs(verbose, status.above(stderr) if status else stderr, colour=wants_colour(stderr), quiet=quiet)
    if as_json and stderr is not None:
        stack.enter_context(redirect_stdout(stderr))
    elif status is not None and stdout is not None and stdout.isatty():
        stack.enter_context(redirect_stdout(status.above(stdout)))
    return stack.enter_context(log)


def _status_line() -> StatusLine | None:
    """A live line on stderr, where that is a terminal."""
    if not wants_status(sys.stderr):
        return None
    from distbench.report.status import StatusLine

    return StatusLine(sys.stderr)


def _watch(stack: ExitStack, status: StatusLine) -> Gauge:
    """Show how far the run is that gets the gauge, until the stack is left."""
    from distbench.report.status import RunMeter, watching
    from distbench.running.gauge import Gauge

    def begin() -> None:  # not earlier, since it starts a thread, and the nodes are to be forked without one
        stack.enter_context(watching(status, RunMeter(gauge.read)))

    gauge = Gauge(begin)
    return gauge


def _report_files(folder: str | None, nodes: Iterable[PeerId]) -> ReportFiles | None:
    """The report files, or None if none are asked for. Raises ConfigError before the run if one is not writable."""
    if folder is None:
        return None
    from distbench.report.files import ReportFiles

    return ReportFiles(folder, nodes)


def _node_logs(folder: str | None, nodes: Iterable[PeerId], log: Logs, *, names: bool) -> NodeLogs | None:
    """The log files, or None if none are asked for. Raises ConfigError before the run if one is not writable."""
    if folder is None:
        return None
    from distbench.report.nodelogs import NodeLogs

    files = NodeLogs(folder, nodes, names=names)
    log.add(files)
    return files


def _pick() -> int:
    """A seed that nobody chose, small enough to be typed."""
    import secrets

    seed = secrets.randbelow(2**32)
    note(f"seed {seed}")
    return seed


def _check_options(context: click.Context, mode: str) -> None:
    """Refuse options that contradict each other, and say which of those given have no effect."""
    given = {
        parameter.name: parameter.opts[0]
        for parameter in context.command.params
        if context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    }
    if "verbose" in given and "quiet" in given:
        raise ConfigError("-v shows more and -q shows less; give one of them")
    if "seeds" in given and "seed" in given:
        raise ConfigError("--seed runs one seed and --seeds many; give one of them")
    if "seeds" in given and mode != "offline":
        raise ConfigError(f"--seeds needs --mode offline: in {mode} mode a seed does not fix what happens")
    if "audit" in given and mode != "offline":
        raise ConfigError(f"--audit needs --mode offline: in {mode} mode nothing repeats a run")
    for name, option in given.items():
        modes = _ONLY_IN.get(name or "", tuple(MODES))
        if mode not in modes:
            note(f"{option} has no effect in {mode} mode, only in {' and '.join(modes)} mode")
        if name in _NOT_WITH_SEEDS and "seeds" in given:
            note(f"{option} has no effect with --seeds; replay one seed to see its logs")
        if name == "digest" and "seeds" in given and "as_json" not in given:
            note(f"{option} shows the digests of --seeds with --json only")
        if name in _NOT_WITH_AUDIT and "audit" in given and "seeds" not in given:
            note(f"{option} has no effect with --audit")
        if name in _ONLY_WITH_SEEDS and "seeds" not in given:
            note(f"{option} has no effect without --seeds")


run_command = Command(
    "run",
    run,
    help="Run an ALGORITHM over the nodes of a CONFIG and print what happened (the default command).",
    params=RUN_OPTIONS,
)
