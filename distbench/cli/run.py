"""``distbench run``: run an algorithm over the nodes of a config."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from distbench.cli.modes import MODES, ModeOptions
from distbench.cli.options import Command, Option, amount, one_of, whole
from distbench.cli.output import note, show
from distbench.report.logs import logs
from distbench.report.style import wants_colour
from distbench.running.options import Format, Latency, RunOptions, parse_latency

if TYPE_CHECKING:
    from distbench.community import PeerId
    from distbench.report.files import ReportFiles

FORMATS: Final = ("json", "msgpack")
_OLD_FORMAT: Final = "bincode"  # the guide's name; the Rust version's format, which Python never had
_ONLY_IN: Final = {
    "port_base": ("local", "network"),
    "bind": ("network",),
    "node_id": ("network",),
    "keys": ("network",),
    "startup_timeout": ("local", "network"),
    "link_limit": ("local", "network"),
    "max_events": ("offline",),
    "digest": ("offline",),
}
"""Options that some mode does not know."""


def run(
    *,
    config: str,
    algorithm: str,
    mode: str,
    format: Format,
    latency: Latency | None,
    seed: int,
    startup_delay: float,
    timeout: float | None,
    duration: float | None,
    max_events: int,
    verbose: int,
    digest: bool,
    report_dir: str | None,
    port_base: int | None,
    node_id: str | None,
    bind: str | None,
    startup_timeout: float | None,
    keys: str | None,
    link_limit: float | None,
) -> int:
    """Run it, print what happened, and return the exit status."""
    from distbench.config import load_config
    from distbench.config.discovery import load_algorithm
    from distbench.definition import define

    _name_useless_options(click.get_current_context(), mode)
    options = RunOptions(
        format=format,
        seed=seed,
        latency=latency,
        timeout=timeout,
        startup_delay=startup_delay / 1000,
        duration=duration,
        max_events=max_events,
        digest=digest,
    )
    mode_options = ModeOptions(
        port_base=port_base,
        node_id=node_id,
        bind=bind,
        startup_timeout=startup_timeout,
        keys=keys,
        link_limit=link_limit,
    )
    with logs(verbose, sys.stderr, colour=wants_colour(sys.stderr)):
        definition = define(load_algorithm(algorithm))
        nodes = load_config(config, seed=seed)
        reports = _report_files(report_dir, nodes.nodes)
        result = MODES[mode](definition, nodes, options, mode_options)
    show(result)
    if reports is not None:
        reports.append(result)
    return result.exit_status


def _report_files(folder: str | None, nodes: Iterable[PeerId]) -> ReportFiles | None:
    """The report files, or None if none are asked for. Raises ConfigError before the run if one is not writable."""
    if folder is None:
        return None
    from distbench.report.files import ReportFiles

    return ReportFiles(folder, nodes)


def _name_useless_options(context: click.Context, mode: str) -> None:
    """Say which of the options given have no effect in this mode."""
    for parameter in context.command.params:
        modes = _ONLY_IN.get(parameter.name or "", tuple(MODES))
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and mode not in modes:
            note(f"{parameter.opts[-1]} has no effect in {mode} mode, only in {' and '.join(modes)} mode")


def _format(text: str) -> str:
    """A format; the guide's old name for msgpack is taken, with a word about it."""
    if text == _OLD_FORMAT:
        note("the format 'bincode' is an old name for 'msgpack', which is used")
        return "msgpack"
    return one_of(*FORMATS)(text)


def _seconds(text: str | float) -> float:
    return amount("seconds")(text)


_WHAT = "What to run"
_HOW = "How"
_END = "When it ends, at the latest"
_SEE = "What you see"
_REAL = "Local and network mode"

run_command = Command(
    name="run",
    callback=run,
    help="Run an ALGORITHM over the nodes of a CONFIG and print what happened (the default command).",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        Option(
            ["-c", "--config"],
            section=_WHAT,
            metavar="CONFIG",
            required=True,
            help="YAML file with the nodes, or a generator such as ring:16.",
        ),
        Option(
            ["-a", "--algorithm"],
            section=_WHAT,
            metavar="ALGORITHM",
            required=True,
            help="Module (echo), class (Echo), module.Class, path/to/file.py[:Class] or package.module:Class.",
        ),
        Option(
            ["--mode"],
            section=_WHAT,
            metavar="MODE",
            type=one_of(*MODES),
            default="offline",
            show_default="offline",
            complete=tuple(MODES),
            help="offline: simulated in this process; local: one process per node; network: this node only.",
        ),
        Option(
            ["-f", "--format"],
            section=_HOW,
            metavar="FORMAT",
            type=_format,
            default="json",
            show_default="json",
            complete=FORMATS,
            help="Encoding of messages: json or msgpack (bincode, an old name, means msgpack).",
        ),
        Option(
            ["--seed"],
            section=_HOW,
            metavar="N",
            type=whole(least=0, most=2**63 - 1),
            default=0,
            show_default="0",
            help="Fixes everything that could go another way offline: the same seed gives the same run.",
        ),
        Option(
            ["-l", "--latency"],
            section=_HOW,
            metavar="RANGE",
            type=parse_latency,
            show_default="1-10 offline, none added in other modes",
            help="Delay of each message in milliseconds, drawn from a range such as 10-50, or fixed such as 5.",
        ),
        Option(
            ["--startup-delay"],
            section=_HOW,
            metavar="MS",
            type=amount("milliseconds", zero=True),
            default=0.0,
            show_default="0",
            help="Milliseconds to wait, once all nodes are ready, before they start.",
        ),
        Option(
            ["-t", "--timeout"],
            section=_END,
            metavar="SECONDS",
            type=_seconds,
            show_default="3600 s virtual offline, 30 s wall time in other modes",
            help="Give up after this many seconds (exit status 3).",
        ),
        Option(
            ["--duration"],
            section=_END,
            metavar="SECONDS",
            type=_seconds,
            show_default="no limit",
            help="End an endless algorithm after this many seconds, as completed.",
        ),
        Option(
            ["--max-events"],
            section=_END,
            metavar="N",
            type=whole(least=1),
            default=100_000_000,
            show_default="100,000,000",
            help="Give up after this many events of the simulation (exit status 3).",
        ),
        Option(
            ["-v", "--verbose"],
            section=_SEE,
            count=True,
            show_default="INFO of algorithms, WARNING of distbench",
            help="Log more on stderr: -v DEBUG, -vv TRACE, -vvv distbench's own records too.",
        ),
        Option(
            ["--digest"],
            section=_SEE,
            is_flag=True,
            help="Print a digest over every event of the run; equal digests mean equal runs.",
        ),
        Option(
            ["--report-dir"],
            section=_SEE,
            metavar="DIR",
            help="Append one JSON line about each node to DIR/NODE.json.",
        ),
        Option(
            ["--port-base"],
            section=_REAL,
            metavar="PORT",
            type=whole(least=0, most=65535),
            show_default="10000 local, 8000 network",
            help="First port (local; 0 takes free ones), or the port of nodes whose config has none (network).",
        ),
        Option(
            ["--id", "node_id"],
            section=_REAL,
            metavar="NODE",
            help="The node that this process is (network).",
        ),
        Option(
            ["--bind"],
            section=_REAL,
            metavar="ADDRESS",
            show_default="all interfaces, or loopback if the node's host is",
            help="Address to listen on (network).",
        ),
        Option(
            ["--startup-timeout"],
            section=_REAL,
            metavar="SECONDS",
            type=_seconds,
            show_default="60 s",
            help="Wait this many seconds for the other nodes to come up.",
        ),
        Option(
            ["--link-limit"],
            section=_REAL,
            metavar="SECONDS",
            type=_seconds,
            show_default="10 s",
            help="Cut off a peer that takes nothing for this many seconds while a message to it waits.",
        ),
        Option(
            ["--keys"],
            section=_REAL,
            metavar="DIR",
            help="Folder with this node's key and the public keys of all nodes (network).",
        ),
    ],
)
