"""The options of ``distbench run``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import click

from distbench.cli.modes import MODES
from distbench.cli.options import Option, amount, one_of, whole
from distbench.cli.output import note
from distbench.running.options import DEFAULT_STEP_TIMEOUT, NO_LIMIT, LinkRoom, parse_latency

FORMATS: Final = ("json", "msgpack")
RANDOM: Final = "random"
_OLD_FORMAT: Final = "bincode"  # the guide's name; the Rust version's format, which Python never had


def _format(text: str) -> str:
    """A format; the guide's old name for msgpack is taken, with a word about it."""
    if text == _OLD_FORMAT:
        note("the format 'bincode' is an old name for 'msgpack', which is used")
        return "msgpack"
    return one_of(*FORMATS)(text)


def _seconds(text: str | float) -> float:
    return amount("seconds")(text)


def parse_seed(text: str | int) -> int | Literal["random"]:
    """A seed, or ``random``."""
    if text == RANDOM:
        return RANDOM
    try:
        return whole(least=0, most=2**63 - 1)(text)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message}, or {RANDOM}") from None


def _link_room(text: str | int) -> LinkRoom:
    if text == NO_LIMIT:
        return NO_LIMIT
    try:
        return whole(least=1)(text)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message}, or {NO_LIMIT}") from None


def _seeds(text: str) -> Sequence[int]:
    from distbench.running.seeds import parse_seeds

    return parse_seeds(text)


def topologies() -> Iterable[str]:
    """What a shell completes for a config, beside files."""
    from distbench.config.generators import GENERATORS

    return [f"{name}:" for name in GENERATORS]


def _algorithms() -> Iterable[str]:
    from distbench.config.discovery import list_algorithms

    return [entry.name for entry in list_algorithms() if entry.class_name is not None]


_WHAT = "What to run"
_HOW = "How"
_MANY = "Many seeds"
_END = "When it ends, at the latest"
_SEE = "What you see"
_REAL = "Local and network mode"

RUN_OPTIONS: Final[list[click.Parameter]] = [
    Option(
        ["-c", "--config"],
        section=_WHAT,
        metavar="CONFIG",
        required=True,
        complete=topologies,
        help="YAML file with the nodes, or a generator such as ring:16 (see distbench topology --help).",
    ),
    Option(
        ["-a", "--algorithm"],
        section=_WHAT,
        metavar="ALGORITHM",
        required=True,
        complete=_algorithms,
        help="Module (echo), class (Echo), module.Class, path/to/file.py[:Class] or package.module:Class; "
        "distbench list shows them.",
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
        ["--set", "settings"],
        section=_WHAT,
        metavar="NODE.FIELD=VALUE",
        multiple=True,
        show_default="what the config says",
        help="Change a field of one node (n1.initiator=true) or of all ('*.max_rounds=3', '*.child.field=1'); may be "
        "given several times.",
    ),
    Option(
        ["--assign", "assignments"],
        section=_WHAT,
        metavar="FIELD=ORDER",
        multiple=True,
        show_default="what the config says",
        help="Give a field the numbers 1 to N, one to each node: node_id=shuffled draws them from the seed; also "
        "ascending, descending; may be given several times.",
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
        type=parse_seed,
        default=0,
        show_default="0",
        complete=(RANDOM,),
        help="Fixes everything that could go another way offline: the same seed gives the same run. random picks one "
        "and prints it.",
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
        ["--link-room"],
        section=_HOW,
        metavar="N",
        type=_link_room,
        show_default="drawn from the seed; none for seed 0",
        complete=(NO_LIMIT,),
        help="Messages that can be on their way over one link before casts and requests wait to be sent, as over TCP; "
        "none: they never wait (offline).",
    ),
    Option(
        ["--startup-delay"],
        section=_HOW,
        metavar="MS",
        type=amount("milliseconds", zero=True),
        default=0.0,
        show_default="0",
        help="Milliseconds to wait, once all nodes are ready, before they start. Time begins then; offline there is "
        "nothing to wait for.",
    ),
    Option(
        ["--no-check"],
        section=_HOW,
        is_flag=True,
        show_default="checked, where the module has a check",
        help="Leave out the function check(result) of the algorithm's module.",
    ),
    Option(
        ["--allow-drops"],
        section=_HOW,
        is_flag=True,
        show_default="they fail the run",
        help="Let messages pass that a node drops because they do not fit its handler, or it has none.",
    ),
    Option(
        ["--seeds"],
        section=_MANY,
        metavar="RANGES",
        type=_seeds,
        show_default="one run",
        help="Run each of these seeds (0-999, or 5, or 0-9,20-29) on all cores, without logs, until one fails.",
    ),
    Option(
        ["--keep-going"],
        section=_MANY,
        is_flag=True,
        show_default="stop at the first seed that fails",
        help="Run all seeds and collect those that fail.",
    ),
    Option(
        ["--jobs"],
        section=_MANY,
        metavar="N",
        type=whole(least=1, most=1000),
        show_default="one for each core",
        help="Processes that share the seeds; 1 runs all in this one, where a debugger sees them.",
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
        ["--step-timeout"],
        section=_END,
        metavar="SECONDS",
        type=amount("seconds", zero=True),
        default=DEFAULT_STEP_TIMEOUT,
        show_default="60 s",
        help="Give up when one step of a simulated node has taken this many seconds of CPU time (exit status 3), for a "
        "handler that never ends; 0 for no limit, and none under a debugger.",
    ),
    Option(
        ["--fail-fast"],
        section=_END,
        is_flag=True,
        show_default="run to the end",
        help="End the run at its first failure (exit status 1).",
    ),
    Option(
        ["-v", "--verbose"],
        section=_SEE,
        count=True,
        show_default="INFO of algorithms, WARNING of distbench",
        help="Log more on stderr: -v DEBUG and every repeat, -vv TRACE, -vvv distbench's own records too.",
    ),
    Option(
        ["-q", "--quiet"],
        section=_SEE,
        count=True,
        show_default="logs and table",
        help="Show less: -q no logs, -qq no table and no live line either.",
    ),
    Option(
        ["--json", "as_json"],
        section=_SEE,
        is_flag=True,
        show_default="a table",
        help="Print one JSON document instead of the table; what algorithms print goes to stderr.",
    ),
    Option(
        ["--digest"],
        section=_SEE,
        is_flag=True,
        show_default="none",
        help="Print a digest over every event of the run; equal digests mean equal runs.",
    ),
    Option(
        ["--audit"],
        section=_SEE,
        is_flag=True,
        show_default="none",
        help="Play the run twice, in processes that differ in all that must not matter (addresses, time zone, locale, "
        "garbage collection, an earlier run), and say 'repeatable' (exit status 0) or what differs first and why "
        "(1; 3 where it cannot be told). With --seeds: after them, for up to 10 of them.",
    ),
    Option(
        ["--report-dir"],
        section=_SEE,
        metavar="DIR",
        show_default="none",
        help="Append one JSON line about each node to DIR/NODE.json.",
    ),
    Option(
        ["--log-dir"],
        section=_SEE,
        metavar="DIR",
        show_default="none",
        help="Write the logs of each node of the run to DIR/NODE.log as well, in place of what that file had.",
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
        show_default="none",
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
        show_default="none",
        help="Folder with this node's key and the public keys of all nodes (network).",
    ),
]
